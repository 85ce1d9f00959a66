"""What happened in the last seconds, and how long things took: counts of fixed size. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from datetime import datetime, timedelta

BOUNDS = tuple(0.005 * math.pow(1.2, step) for step in range(60))
"""Upper bounds of the bins of a latency, seconds: 5 ms to 4 minutes, each a fifth more than the one before."""


class Recent:
    """Counts by second, of the last `seconds`."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._counts: dict[int, float] = {}

    def add(self, at: datetime, count: float = 1) -> None:
        second = int(at.timestamp())
        self._counts[second] = self._counts.get(second, 0) + count
        if len(self._counts) > self._seconds + 2:
            newest = max(self._counts)
            self._counts = {s: n for s, n in self._counts.items() if s > newest - self._seconds - 2}

    def total(self, now: datetime) -> float:
        """Of the whole seconds before this one, so that a second that has only begun does not look like a pause."""
        end = int(now.timestamp())
        return sum(count for second, count in self._counts.items() if end - self._seconds <= second < end)

    def rate(self, now: datetime) -> float:
        """A second."""
        return self.total(now) / self._seconds


class Latencies:
    """How long things took, in bins a fifth wide."""

    def __init__(self) -> None:
        self._bins = [0] * (len(BOUNDS) + 1)
        self.count = 0

    def add(self, latency: timedelta) -> None:
        self._bins[bisect_left(BOUNDS, latency.total_seconds())] += 1
        self.count += 1

    def quantile(self, part: float) -> float | None:
        """Seconds; None when nothing was counted."""
        seen = 0
        for bound, count in zip((*BOUNDS, BOUNDS[-1]), self._bins, strict=True):
            seen += count
            if count and seen >= part * self.count:
                return round(bound / math.sqrt(1.2), 4)
        return None
