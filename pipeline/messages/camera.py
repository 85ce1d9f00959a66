"""What a camera is doing, and what it sees."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pipeline.messages.record import Record


class CameraState(StrEnum):
    """What a camera is doing, as capture sees it."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"  # will be tried again
    ENDED = "ended"  # a file or folder came to its end
    FAILED = "failed"  # will not be tried again
    STOPPED = "stopped"  # on request


GONE = frozenset({CameraState.ENDED, CameraState.FAILED, CameraState.STOPPED})
"""Nothing more comes of such a camera until it is started again."""


class CameraStatus(Record):
    """A change of a camera's state, with its reason. `source` is the camera's URI without credentials."""

    site: str
    camera: str
    session: int
    at: datetime
    state: CameraState
    reason: str = ""
    source: str = ""
    attempt: int = 0

    @property
    def key(self) -> str:
        return f"{self.site}/{self.camera}"


class CameraSight(Record):
    """A change of whether a camera sees. `sight`: what makes it blind from now on, see Observation; "": it sees again.

    `since`: when the frames began by which that is told; null where nobody knows.
    """

    site: str
    camera: str
    session: int
    at: datetime
    sight: str
    since: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.site}/{self.camera}"
