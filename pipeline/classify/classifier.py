"""The seam to the model: face crops in, probabilities of apparent expressions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ClassifierUnavailable
from pipeline.messages import LABELS, ModelRef

Crop = NDArray[np.uint8]
Probabilities = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CropSpec:
    """The face crops a model wants."""

    size: int = 48  # pixels, a side
    color: Literal["gray", "bgr"] = "gray"  # (size, size) or (size, size, 3), blue first
    margin: float = 0.0  # part of the tight face square added on each side

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.size, self.size) if self.color == "gray" else (self.size, self.size, 3)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What the model says of N crops.

    probabilities: (N, 7) float32 in the order of messages.LABELS, each row sums to 1; zeros where it failed.
    errors: index of a crop that could not be scored -> why. Sending it again is of no use.
    """

    probabilities: Probabilities
    errors: dict[int, str] = field(default_factory=dict)

    @classmethod
    def failed(cls, n: int, reason: str) -> Self:
        """All of n crops, for one reason."""
        return cls(np.zeros((n, len(LABELS)), np.float32), dict.fromkeys(range(n), reason))


class Classifier(Protocol):
    """Scores crops. Several threads may call `classify` at once."""

    @property
    def model(self) -> ModelRef: ...

    @property
    def crop(self) -> CropSpec: ...

    @property
    def abstain_below(self) -> float:
        """The highest probability under which the model's answer is too uncertain to be told; 0: never."""
        ...

    def classify(self, crops: Sequence[Crop]) -> Scored:
        """Crops as `crop` says, or one array (N, ...). Raises ClassifierUnavailable: asking again later may help."""
        ...

    def close(self) -> None: ...


def golden(classifier: Classifier) -> Scored:
    """One prediction on a made-up face, for readiness: a server that answers pings may have no worker.

    Raises ClassifierUnavailable unless the whole way to the model and back works.
    """
    size = classifier.crop.size
    y, x = np.mgrid[0:size, 0:size] / (size - 1) - 0.5
    eyes = np.exp(-200 * ((abs(x) - 0.18) ** 2 + (y + 0.1) ** 2))
    gray = (128 + 80 * np.cos(3 * x) * np.cos(2 * y) - 60 * eyes).astype(np.uint8)
    crop = gray if classifier.crop.color == "gray" else np.repeat(gray[:, :, None], 3, 2)
    scored = classifier.classify([crop])
    if scored.errors:
        raise ClassifierUnavailable(f"the model does not take a golden face: {scored.errors[0]}")
    return scored
