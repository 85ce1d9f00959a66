"""What the measurements say of each role: does it grow? Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tests.soak.measured import Measured
from tests.soak.processes import SUMMED, Reading
from tests.soak.slope import HOUR, LEAST_OF_A_LIFE, Bound, Life, Slope, grows, theil_sen

MIB = 2**20
WARM_UP = 1 / 3  # of the run, which is not measured
SETTLING = 0.1  # of the run: a process that was started in the middle of it is not measured for so long
STRETCH_SECONDS = 15.0
BOUNDS = {"memory": Bound(0.05, 3.0), "descriptors": Bound(0.05, 4.0), "disk": Bound(0.25, 30.0)}
"""Units are MiB and descriptors. What retention keeps on the disk goes up and down by whole segments."""
KEPT_BY_RETENTION = "kafka/frames"  # what else is on the disk is kept for days, and grows
HEAP_EXTRA_MIB = 256.0  # what a Java machine takes beside its heap: classes, code, threads, buffers
_HEAP = re.compile(r"-Xmx(\d+)m")


@dataclass(frozen=True)
class Finding:
    """One role and one measure (`what`: memory or disk in MiB, or descriptors).

    `ceiling`: of a Java machine, the MiB that its heap and what is beside it may come to. It fills its heap before it
    cleans up, so below that it passes. `below_peak`: it never came above what it had in its warm-up, as one does whose
    memory follows the backlog; what leaks comes above that sooner or later.
    """

    role: str
    what: str
    slope: Slope | None
    hours: float
    most: float
    ceiling: float | None = None
    below_peak: bool = False

    @property
    def passed(self) -> bool:
        if self.slope is None:
            return True
        if self.below_peak:
            return True
        if self.ceiling is not None and self.most <= self.ceiling:
            return True
        return not grows(self.slope, self.hours, BOUNDS[self.what])

    def row(self) -> dict[str, object]:
        measured = self.slope and {
            "per_hour": round(self.slope.per_hour, 2),
            "interval": [round(self.slope.low, 2), round(self.slope.high, 2)],
            "median": round(self.slope.median, 1),
            "growth_over_run": round(self.slope.growth(self.hours), 4),
            "points": self.slope.points,
        }
        row: dict[str, object] = {"role": self.role, "what": self.what, "most": round(self.most, 1)}
        return {
            **row,
            **(measured or {"points": 0}),
            "ceiling": self.ceiling,
            "below_peak": self.below_peak,
            "passed": self.passed,
        }


def lives(readings: Sequence[Reading], role: str, what: str) -> list[Life]:
    """A life each process, or one of them all together where they come and go."""
    points: dict[int, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for reading in readings:
        if reading.role == role:
            value = reading.own / MIB if what == "memory" else reading.descriptors
            points[0 if role in SUMMED else reading.pid][reading.time] += value
    return [Life.of(each.items()) for each in points.values()]


def find(measured: Measured) -> list[Finding]:
    found = []
    for role in roles(measured):
        ceiling = _ceiling(measured.commands.get(role, ""))
        memory, descriptors = (lives(measured.readings, role, what) for what in ("memory", "descriptors"))
        found.append(_finding(role, "memory", memory, measured.seconds, ceiling))
        found.append(_finding(role, "descriptors", descriptors, measured.seconds))
    kept = [(time, sizes.get(KEPT_BY_RETENTION, 0) / MIB) for time, sizes in measured.disk]
    return [*found, _finding("frames", "disk", [Life.of(kept)], measured.seconds)] if kept else found


def roles(measured: Measured) -> list[str]:
    return sorted({reading.role for reading in measured.readings}, key=str.lower)


def _ceiling(command: str) -> float | None:
    heap = _HEAP.search(command)
    return float(heap[1]) + HEAP_EXTRA_MIB if heap else None


def _finding(role: str, what: str, all_lives: list[Life], seconds: float, ceiling: float | None = None) -> Finding:
    settled = [max(WARM_UP * seconds, float(life.times[0]) + SETTLING * seconds) for life in all_lives]
    measured = [life.after(time).thinned(STRETCH_SECONDS) for life, time in zip(all_lives, settled, strict=True)]
    warm = [life.before(time).thinned(STRETCH_SECONDS) for life, time in zip(all_lives, settled, strict=True)]
    slope = theil_sen(measured)
    pairs = [(a.values, b.values) for a, b in zip(warm, measured, strict=True) if b.times.size >= LEAST_OF_A_LIFE]
    below_peak = bool(pairs) and all(a.size and b.max() <= a.max() for a, b in pairs)
    most = max(float(life.values.max()) for life in all_lives)
    return Finding(role, what, slope, seconds / HOUR, most, ceiling, below_peak)
