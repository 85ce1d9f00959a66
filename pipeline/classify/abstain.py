"""When a face's expression is told, and when it is better not to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.classify.classifier import Probabilities
from pipeline.messages import LABELS

UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The strongest label and its probability; `abstained` with `reason` when it is too weak to be told."""

    label: str
    confidence: float
    abstained: bool = False
    reason: str = ""


def verdict(probabilities: Probabilities, abstain_below: float) -> Verdict:
    """One face's (7,) probabilities -> what is said of it. `abstain_below`: from the model's calibration."""
    best = int(probabilities.argmax())
    confidence = float(probabilities[best])
    if confidence < abstain_below:
        return Verdict(LABELS[best], confidence, True, UNCERTAIN)
    return Verdict(LABELS[best], confidence)
