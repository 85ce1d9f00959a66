"""What analyze says of a record: observation, stub, dead letter, or frames that were dropped. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.analyze.sight.glance import Glance
from pipeline.errors import BadRecord
from pipeline.messages import (
    CameraState,
    DeadLetter,
    Face,
    FrameHeader,
    FrameId,
    Ledger,
    ModelRef,
    Observation,
    SeqRange,
    Stub,
)

HEADER_CHARS = 256  # of each header kept in a dead letter
HEADERS_KEPT = 32
OF_PICTURES = ("decode", "detect", "sight")  # stages that take as long with faces as without
ERROR_CHARS = 1000  # it may quote what the record says


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stood."""

    topic: str
    partition: int
    offset: int


@dataclass(slots=True)
class Seen:
    """A frame that was decoded: its faces from left to right, and the seconds each stage took.

    `glance`: by which is told whether the camera sees; None where nobody asks. `blind`: why it does not.
    """

    width: int
    height: int
    faces: list[Face]
    timings: dict[str, float] = field(default_factory=dict)
    glance: Glance | None = None
    blind: str = ""


def observation(
    header: FrameHeader,
    seen: Seen,
    detector: ModelRef,
    model: ModelRef,
    now: datetime,
    withheld: bool = False,
    degradation: Sequence[str] = (),
) -> Observation:
    """`withheld`: without its faces, and without what tells how many there are."""
    frame = header.frame_id
    timings = {stage: seconds for stage, seconds in seen.timings.items() if not withheld or stage in OF_PICTURES}
    scripted = None if header.scripted is None or withheld else list(header.scripted)
    return Observation(
        event_id=frame.event_id,
        site=frame.site,
        camera=frame.camera,
        session=frame.session,
        seq=frame.seq,
        captured_at=header.captured_at,
        processed_at=now,
        width=seen.width,
        height=seen.height,
        detector=detector,
        model=model,
        blind=seen.blind,
        degradation=list(degradation),
        timings={stage: round(seconds, 6) for stage, seconds in timings.items()},
        faces=[] if withheld else seen.faces,
        scripted=scripted,
        withheld=withheld,
    )


def stub(frame: FrameId, captured_at: datetime, reason: str, now: datetime) -> Stub:
    return Stub(
        event_id=frame.event_id,
        site=frame.site,
        camera=frame.camera,
        session=frame.session,
        seq=frame.seq,
        captured_at=captured_at,
        processed_at=now,
        reason=reason,
    )


def dead_letter(
    place: Place,
    headers: Iterable[tuple[str, bytes]],
    size: int,
    frame: FrameId | None,
    error: BadRecord,
    now: datetime,
) -> DeadLetter:
    """`frame`: the identity it carries, None for a foreign record."""
    return DeadLetter(
        reason=error.reason,
        error=error.message[:ERROR_CHARS],
        topic=place.topic,
        partition=place.partition,
        offset=place.offset,
        at=now,
        foreign=frame is None,
        event_id=None if frame is None else frame.event_id,
        size_bytes=size,
        headers=readable(headers),
    )


def dropped(frame: FrameId, frames: SeqRange, reason: str, at: datetime) -> Ledger:
    """Tells of frames of this session that stood on the topic and were not looked at. It covers no frame itself."""
    following = frames.last + 1
    return Ledger(
        site=frame.site,
        camera=frame.camera,
        session=frame.session,
        written_at=at,
        covers_from=at,
        covers_to=at,
        first_seq=following,
        next_seq=following,
        expected=0.0,
        dropped={reason: [frames]},
        state=CameraState.UP,
        reason=f"{reason} unread",
    )


def readable(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Headers as text, shortened: they come from outside."""
    kept: dict[str, str] = {}
    for key, value in list(headers)[:HEADERS_KEPT]:
        kept[str(key)[:HEADER_CHARS]] = (value or b"")[:HEADER_CHARS].decode("utf-8", "backslashreplace")
    return kept
