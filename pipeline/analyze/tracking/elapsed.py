"""Time as a camera tells it, made fit for subtraction. Pure."""

from __future__ import annotations

from datetime import datetime


class Elapsed:
    """Seconds since the first frame, by the frames' own times; a clock that runs back is one that stands still.

    So nothing that waits for a time to come waits an hour because a camera's clock was set back by one.
    """

    __slots__ = ("_at", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self._at: datetime | None = None

    def to(self, at: datetime) -> float:
        """The next frame's time -> seconds since the frame before, never below 0."""
        step = 0.0 if self._at is None else max(0.0, (at - self._at).total_seconds())
        self._at = at
        self.seconds += step
        return step
