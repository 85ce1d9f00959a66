"""How far two score vectors are apart, over many of them: exact figures in little memory. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.messages import LABELS

DIGITS = 10_000  # scores travel with four digits, so the sum of their differences is a whole number of these


@dataclass(slots=True)
class Distances:
    """Total variation: half the sum of the differences, 0 alike, 1 nothing in common. Jensen-Shannon: in bits, 0..1."""

    sums: Counter[int] = field(default_factory=Counter)
    divergence: float = 0.0

    def add(self, first: Mapping[str, float], again: Mapping[str, float]) -> None:
        """Two vectors by label."""
        pairs = [(first.get(label, 0.0), again.get(label, 0.0)) for label in LABELS]
        self.sums[sum(abs(round(p * DIGITS) - round(q * DIGITS)) for p, q in pairs)] += 1
        self.divergence += jensen_shannon(pairs)

    def merge(self, other: Distances) -> None:
        self.sums.update(other.sums)
        self.divergence += other.divergence

    def __len__(self) -> int:
        return self.sums.total()

    def report(self) -> dict[str, float | None]:
        """null where there was nothing to compare."""
        n = len(self)
        mean = sum(value * count for value, count in self.sums.items()) / n if n else None
        return {
            "mean_total_variation": None if mean is None else round(_part(mean), 6),
            "p95_total_variation": None if not n else round(_part(self._quantile(0.95)), 6),
            "max_total_variation": None if not n else round(_part(max(self.sums)), 6),
            "mean_jensen_shannon": round(self.divergence / n, 6) if n else None,
        }

    def _quantile(self, part: float) -> int:
        """The least value that so great a part of all does not exceed."""
        left = math.ceil(part * len(self))
        for value in sorted(self.sums):
            left -= self.sums[value]
            if left <= 0:
                return value
        raise ValueError("nothing was added")


def jensen_shannon(pairs: list[tuple[float, float]]) -> float:
    """Of two distributions, given as pairs of probabilities; Lin 1991. In bits."""

    def towards(value: float, other: float) -> float:
        return value * math.log2(2 * value / (value + other)) if value > 0 else 0.0

    return max(0.0, sum(towards(p, q) + towards(q, p) for p, q in pairs) / 2)


def _part(differences: float) -> float:
    return differences / 2 / DIGITS
