"""Whether a process grows: a robust slope over its measurements, with its confidence interval. Pure.

Theil-Sen: the median of the slopes between all pairs of measurements, which outliers do not move. Pairs are taken
within one life of a process only: a new process starts anew, and its restart is neither growth nor relief (Hirsch,
Slack & Smith 1982, for seasons). The interval is Sen's (1968), from the variance of Kendall's S. A single step, such as
a pool that is filled once, tilts the median when it comes in the middle; within the halves of a life it does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Series = npt.NDArray[np.float64]
HOUR = 3600.0


@dataclass(frozen=True)
class Life:
    """Measurements of one process, or of a role's sum: `times` in seconds, growing, and as many `values`."""

    times: Series
    values: Series

    @classmethod
    def of(cls, points: Iterable[tuple[float, float]]) -> Life:
        table = np.array(sorted(points), dtype=np.float64).reshape(-1, 2)
        return cls(table[:, 0], table[:, 1])

    def after(self, time: float) -> Life:
        kept = self.times >= time
        return Life(self.times[kept], self.values[kept])

    def before(self, time: float) -> Life:
        kept = self.times < time
        return Life(self.times[kept], self.values[kept])

    def halves(self) -> tuple[Life, Life]:
        middle = self.times.size // 2
        return Life(self.times[:middle], self.values[:middle]), Life(self.times[middle:], self.values[middle:])

    def thinned(self, seconds: float) -> Life:
        """The median of each stretch of `seconds`: neighbours tell the same, and an interval needs what differs."""
        if not self.times.size:
            return self
        stretch = ((self.times - self.times[0]) // seconds).astype(int)
        each = [stretch == number for number in np.unique(stretch)]
        return Life(
            np.array([self.times[chosen].mean() for chosen in each]),
            np.array([np.median(self.values[chosen]) for chosen in each]),
        )


@dataclass(frozen=True)
class Slope:
    """Growth in units an hour, `low` and `high` its 95 % interval; `low_in_halves`: the same bound over the halves of
    each life; `median` of all values, in units; `points`: how many values it was taken from."""

    per_hour: float
    low: float
    high: float
    low_in_halves: float
    median: float
    points: int

    def growth(self, hours: float) -> float:
        """What it grows by in so many hours, as a part of the median."""
        return self.per_hour * hours / self.median if self.median else 0.0


@dataclass(frozen=True)
class Bound:
    """Growth over the run that is let pass: as a part of the median, and in units, whichever is more."""

    relative: float
    units: float


LEAST_POINTS = 8
LEAST_OF_A_LIFE = 4
REACH = NormalDist().inv_cdf(0.975)  # standard deviations to each side that hold 95 %


def theil_sen(lives: Sequence[Life]) -> Slope | None:
    """None when there are too few measurements to tell."""
    lives = [life for life in lives if life.times.size >= LEAST_OF_A_LIFE]
    points = sum(life.times.size for life in lives)
    if points < LEAST_POINTS:
        return None
    per_hour, low, high = _slope(lives)
    _, low_in_halves, _ = _slope([half for life in lives for half in life.halves()])
    middle = float(np.median(np.concatenate([life.values for life in lives])))
    return Slope(per_hour, low, high, low_in_halves, middle, points)


def grows(slope: Slope, hours: float, bound: Bound) -> bool:
    """Whether it is sure to grow, and by more over the run than the bound lets pass."""
    surely = min(slope.low, slope.low_in_halves) > 0
    return surely and slope.per_hour * hours > max(bound.relative * slope.median, bound.units)


def _slope(lives: Sequence[Life]) -> tuple[float, float, float]:
    """-> units an hour, and the interval's ends."""
    slopes = np.sort(np.concatenate([_between_pairs(life) for life in lives])) * HOUR
    variance = sum(n * (n - 1) * (2 * n + 5) / 18 for n in (life.times.size for life in lives))
    reach = REACH * math.sqrt(variance)
    low = slopes[max(0, math.floor((slopes.size - reach) / 2))]
    high = slopes[min(slopes.size - 1, math.ceil((slopes.size + reach) / 2))]
    return float(np.median(slopes)), float(low), float(high)


def _between_pairs(life: Life) -> Series:
    first, second = np.triu_indices(life.times.size, 1)
    steps: Series = (life.values[second] - life.values[first]) / (life.times[second] - life.times[first])
    return steps
