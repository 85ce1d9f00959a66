"""What is usual: mean and deviation of a measure, slowly adapting. Pure.

Robust: what lies far off moves it little, and its keeper does not show it what an alert stands for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

CLIP = 3.0  # deviations; what lies farther off counts as if it lay there
SETTLED = 10  # values, before which nothing is clipped
NORMAL = math.sqrt(math.pi / 2)  # of a normal distribution: standard deviation over mean absolute deviation


@dataclass(slots=True)
class Baseline:
    """`windows`: how many it was learned from."""

    windows: int = 0
    mean: float = 0.0
    deviation: float = 0.0

    def learn(self, value: float, weight: float, least: float) -> None:
        """`weight`: of one value, 0..1, once there are enough of them; until then it is a plain mean.

        `least`: a deviation counts as at least this.
        """
        if self.windows >= SETTLED:
            reach = CLIP * max(self.deviation, least)
            value = min(max(value, self.mean - reach), self.mean + reach)
        self.windows += 1
        weight = max(weight, 1 / self.windows)
        distance = abs(value - self.mean) * NORMAL if self.windows > 1 else 0.0
        self.deviation += weight * (distance - self.deviation)
        self.mean += weight * (value - self.mean)


def weight_of(every: timedelta, over: timedelta) -> float:
    """Of one value, when one comes `every` so often and they fade `over` this time (to a third)."""
    return 1 - math.exp(-every / over)
