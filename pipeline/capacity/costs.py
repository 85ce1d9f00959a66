"""What a camera, a frame and a face cost, fitted to what some workloads took. Pure.

Every figure is a sum: so much always, and so much for each camera, frame, face seen and face read a second. A few
workloads that differ in one of these each give the parts of the sum; none is negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from pydantic import BaseModel, ConfigDict

TERMS = ("always", "camera", "frame", "face", "reading")

OF_PART: dict[str, tuple[str, ...]] = {
    "camera": ("camera", "frame"),
    "capture": ("always", "camera", "frame"),
    "analyzer": ("always", "frame", "face"),
    "model": ("always", "reading"),
    "model server": ("always", "reading"),
    "kafka": ("always", "frame"),
    "aggregate": ("always", "frame", "face"),
    "dashboard": ("always", "frame"),
}
"""What each part's CPU time depends on; of a part that is not named, on nothing."""

OF_TOPIC: dict[str, tuple[str, ...]] = {
    "frames": ("camera", "frame"),
    "emotion-events": ("camera", "frame", "face"),
    "previews": ("camera",),
    "aggregate-state": ("camera",),
    "emotion-windows": ("camera",),
}
"""What the bytes that are written to each topic depend on; of one that is not named, on nothing."""


class Cost(BaseModel):
    """CPU seconds, or bytes, a second: always, and for each camera, frame/s, face seen/s and face read/s."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    always: float = 0.0
    camera: float = 0.0
    frame: float = 0.0
    face: float = 0.0
    reading: float = 0.0

    def of(self, rates: Rates) -> float:
        return sum(float(getattr(self, term) * getattr(rates, term)) for term in TERMS)


class Rates(BaseModel):
    """Cameras, and frames, faces seen and faces read a second of all of them together."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    camera: float
    frame: float
    face: float
    reading: float

    @property
    def always(self) -> float:
        return 1.0


class Measured(BaseModel):
    """One workload: what it was, and what it took. `cpu`: cores by part; `written`: bytes a second by topic."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rates: Rates
    cpu: dict[str, float]
    written: dict[str, float]


class Costs(BaseModel):
    """What one machine takes for pictures of one size.

    `cpu`, `written`: CPU seconds by part, bytes by topic. `memory`: MiB of one process of each part. `readings`: times
    a second that a face in view is read, at most. `measured`: what all of it was fitted to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    at: str
    machine: str
    cores: int
    width: int
    height: int
    detector: str
    model: str
    readings: float
    cpu: dict[str, Cost]
    written: dict[str, Cost]
    memory: dict[str, float]
    measured: list[Measured]


def fitted(measured: Sequence[Measured]) -> tuple[dict[str, Cost], dict[str, Cost]]:
    """CPU by part and bytes by topic of all that was measured."""
    rates = [each.rates for each in measured]
    cpu = _fit_all(rates, [each.cpu for each in measured], OF_PART)
    return cpu, _fit_all(rates, [each.written for each in measured], OF_TOPIC)


def _fit_all(
    rates: Sequence[Rates], taken: Sequence[Mapping[str, float]], terms: Mapping[str, tuple[str, ...]]
) -> dict[str, Cost]:
    names = sorted({name for each in taken for name in each})
    return {name: fit(rates, [each.get(name, 0.0) for each in taken], terms.get(name, ("always",))) for name in names}


def fit(rates: Sequence[Rates], taken: Sequence[float], terms: Sequence[str]) -> Cost:
    """The sum of these terms, none negative, that comes closest to all that was taken (least squares).

    There are five terms at most, so all choices of them are tried.
    """
    import numpy as np

    values = np.array(taken)
    best, least = Cost(), float(values @ values)
    for count in range(1, len(terms) + 1):
        for chosen in combinations(terms, count):
            matrix = np.array([[getattr(each, term) for term in chosen] for each in rates])
            factors = np.linalg.lstsq(matrix, values, rcond=None)[0]
            off = float(np.sum((matrix @ factors - values) ** 2))
            if (factors >= 0).all() and off < least * (1 - 1e-9):
                best, least = Cost(**dict(zip(chosen, map(float, factors), strict=True))), off
    return best
