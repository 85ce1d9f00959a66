"""What was captured, dropped, promised."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from pipeline.messages.camera import CameraState
from pipeline.messages.record import Record

EXPIRED, THINNED, OVERLOAD = "expired", "thinned", "overload"
DROPPED_UNREAD = (EXPIRED, THINNED, OVERLOAD)
"""Reasons of frames that stood on the topic: Kafka's retention took them, or analyzers that were behind."""


class SeqRange(BaseModel):
    """Frames first..last, both included, of one session."""

    model_config = ConfigDict(frozen=True)
    first: int = Field(ge=0)
    last: int = Field(ge=0)

    def __len__(self) -> int:
        return self.last - self.first + 1


class Ledger(Record):
    """What capture did with one camera since the last ledger record of the session.

    Stands in `frames`, and then in `emotion-events`, behind the frames it covers. `next_seq - first_seq` frames
    were captured; `expected` is what the camera's frame rate promised for the time; `dropped` names frames, of
    this range or an earlier one of the session, that never reached the log.
    """

    site: str
    camera: str
    session: int
    written_at: datetime
    covers_from: datetime
    covers_to: datetime
    first_seq: int = Field(ge=0)
    next_seq: int = Field(ge=0)
    expected: float = Field(ge=0)
    dropped: dict[str, list[SeqRange]] = Field(default_factory=dict)
    state: CameraState
    reason: str = ""
    final: bool = False

    @property
    def key(self) -> str:
        return f"{self.site}/{self.camera}"


class Idle(Record):
    """Written into `emotion-events` for a camera of which no ledger tells any more: its host is gone, or it ended.

    It moves the camera's time; what was promised for that time is what the last ledger record promised. `final`: it is
    given up, and promises nothing until something is heard of it.
    """

    site: str
    camera: str
    since: datetime
    until: datetime
    written_at: datetime
    final: bool = False

    @property
    def key(self) -> str:
        return f"{self.site}/{self.camera}"
