"""Up to when all that was captured has been read here: only then is a camera silent, and not just late. Pure.

A camera's records are in the same partition of `frames` and of `emotion-events`. What stood in `frames` at a moment was
heard once analyze has committed past it, and we have read past what stood in `emotion-events` then. Cameras that go on
never let either be read to its end; so the ends of a moment are marked, and waited for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Ends:
    """Offsets by partition: the ends of `frames`, what analyze has committed there, the ends of `emotion-events`, and
    what is read next of these."""

    frames: Mapping[int, int]
    analyzed: Mapping[int, int]
    events: Mapping[int, int]
    read: Mapping[int, int]


@dataclass(frozen=True)
class _Mark:
    at: datetime
    frames: int
    events: int | None = None  # known once analyze has passed `frames`


class Heard:
    """Asked now and then, with the ends as they are; one mark a partition is waited for at a time."""

    def __init__(self) -> None:
        self._marks: dict[int, _Mark] = {}

    def until(self, ends: Ends, now: datetime) -> dict[int, datetime]:
        """Of each partition of which more is known than before: all that was written to `frames` by then was heard.

        `now`: the wall clock when the ends were looked up, or a little before.
        """
        self._marks = {partition: mark for partition, mark in self._marks.items() if partition in ends.read}
        heard = {}
        for partition in ends.read:
            mark = self._marks.get(partition) or _Mark(now, ends.frames.get(partition, 0))
            if mark.events is None and ends.analyzed.get(partition, 0) >= mark.frames:
                mark = _Mark(mark.at, mark.frames, ends.events.get(partition, 0))
            if mark.events is not None and ends.read[partition] >= mark.events:
                heard[partition] = mark.at
                self._marks.pop(partition, None)
            else:
                self._marks[partition] = mark
        return heard
