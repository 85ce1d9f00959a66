"""Figures of several rounds as one."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each figure, over the rounds; a round that lacks it counts as 0."""
    names = dict.fromkeys(name for each in rounds for name in each)
    return {name: round(statistics.median(each.get(name, 0.0) for each in rounds), 6) for name in names}
