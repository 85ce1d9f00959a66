"""Who is killed when: now and then, by a plan from a seed. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass

EVERY_SECONDS = {"camera": 30.0, "analyzer": 150.0}
"""One camera's process, or the youngest analyzer: the oldest one is spared, so that a long life is measured too."""
FEW = ("aggregate", "model")
"""There is one of each: killed in the warm-up and once more, so that what follows is long enough to be measured."""
FEW_AT = (0.2, 0.6)  # of the run
LAST = 0.97  # of the run: afterwards all is left in peace


@dataclass(frozen=True)
class Kill:
    """`time`: seconds since the start."""

    time: float
    role: str


def plan(seconds: float, seed: int) -> list[Kill]:
    """All kills of a run, in order."""
    chance = random.Random(seed)
    kills = [
        Kill(seconds * (part + chance.uniform(0, 0.05)), role)
        for part in FEW_AT
        for role in FEW
    ]  # fmt: skip
    for role, every in EVERY_SECONDS.items():
        time = every
        while (time := time + every * chance.uniform(0.5, 1.5)) < LAST * seconds:
            kills.append(Kill(time, role))
    return sorted(kills, key=lambda kill: kill.time)
