"""Frame rates and media times: pure, every time an argument in seconds."""

from __future__ import annotations

import math
from collections import deque
from statistics import median


class RateCap:
    """Chooses which frames of a source are captured, so that they come at `fps` at most.

    Deterministic in the times it is shown. A frame up to half an interval early is taken as on time, so jitter
    costs no frames; the mean never exceeds the cap, and a gap is not made good by a burst.
    """

    def __init__(self, fps: float | None) -> None:
        self._interval = 1.0 / fps if fps else 0.0
        self._due = -math.inf

    def takes(self, time: float, source_fps: float | None = None) -> bool:
        if not self._interval:
            return True
        early = 0.5 * min(self._interval, 1.0 / source_fps if source_fps else self._interval)
        if time < self._due - early * 0.999:
            return False
        self._due = time + self._interval if time > self._due + self._interval else self._due + self._interval
        return True


class SourceRate:
    """A live source's frame rate, from the median interval of its last arrivals: lost frames do not lower it."""

    LEAST, MOST = 8, 60

    def __init__(self) -> None:
        self._intervals: deque[float] = deque(maxlen=self.MOST)
        self._last: float | None = None

    def arrived(self, time: float) -> None:
        if self._last is not None:
            self._intervals.append(time - self._last)
        self._last = time

    @property
    def fps(self) -> float | None:
        """Frames/s; None until there have been enough."""
        if len(self._intervals) < self.LEAST:
            return None
        middle = median(self._intervals)
        steady = [each for each in self._intervals if 0.5 * middle <= each <= 1.5 * middle]
        return len(steady) / sum(steady) if sum(steady) > 0 else None


class MediaClock:
    """A source's media times made to grow strictly: over bad and missing timestamps, and over loops."""

    def __init__(self) -> None:
        self._last = -math.inf
        self._offset = 0.0

    def time(self, timestamp: float | None, fps: float) -> float:
        """The frame's time in seconds from the source's start. `timestamp`: what the container says, if anything."""
        if timestamp is None or not math.isfinite(timestamp) or timestamp < 0:
            timestamp = -math.inf
        time = timestamp + self._offset
        if not time > self._last:
            time = self._last + 1.0 / fps if math.isfinite(self._last) else 0.0
        self._last = time
        return time

    def restart(self, fps: float) -> None:
        """The source starts again at its beginning: its time 0 comes one frame after the last."""
        if math.isfinite(self._last):
            self._offset = self._last + 1.0 / fps
