"""How much of a site flows, and how fast: points of ten seconds over the last hour. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pipeline.watch.recent import Latencies

POINT = timedelta(seconds=10)
POINTS = 360


@dataclass(frozen=True, slots=True)
class FlowPoint:
    """Ten seconds. `p50`, `p95`: seconds from capture to observation; `backlog`: records nobody has analyzed yet."""

    start: datetime
    frames_per_second: float
    faces_per_second: float
    p50: float | None
    p95: float | None
    backlog: int | None


@dataclass(slots=True)
class _Bin:
    start: datetime
    frames: int = 0
    faces: int = 0
    latencies: Latencies = field(default_factory=Latencies)
    backlog: int | None = None

    def point(self) -> FlowPoint:
        seconds = POINT.total_seconds()
        return FlowPoint(
            start=self.start,
            frames_per_second=round(self.frames / seconds, 2),
            faces_per_second=round(self.faces / seconds, 2),
            p50=self.latencies.quantile(0.5),
            p95=self.latencies.quantile(0.95),
            backlog=self.backlog,
        )


class Flow:
    """Points without anything are there too: a pause is seen as one."""

    def __init__(self) -> None:
        self._points: deque[FlowPoint] = deque(maxlen=POINTS)
        self._open: _Bin | None = None

    def observed(self, at: datetime, faces: int, latency: timedelta) -> None:
        bin_ = self._at(at)
        bin_.frames += 1
        bin_.faces += faces
        bin_.latencies.add(latency)

    def backlog(self, at: datetime, records: int) -> None:
        self._at(at).backlog = records

    def points(self, now: datetime) -> list[FlowPoint]:
        """Oldest first; the ten seconds that are not over yet are left out."""
        if self._open is not None:
            self._at(now)
        return list(self._points)

    def _at(self, at: datetime) -> _Bin:
        """What comes late is counted where we are."""
        start = datetime.fromtimestamp(at.timestamp() // POINT.total_seconds() * POINT.total_seconds(), UTC)
        if self._open is None:
            self._open = _Bin(start)
        elif start - self._open.start > POINT * POINTS:
            self._points.clear()
            self._open = _Bin(start)
        while self._open.start < start:
            self._points.append(self._open.point())
            self._open = _Bin(self._open.start + POINT)
        return self._open
