"""What an evaluation found, typed, and as the JSON of `emostream model evaluate --report`. Shares are of 1."""

from dataclasses import asdict, dataclass
from typing import Any

from serving.evaluation.metrics import Abstention, ClassFigures, ConfidenceBin
from serving.evaluation.speed import Speed
from serving.model.emonext import Head
from serving.model.folder import ModelInfo


@dataclass(frozen=True)
class HeadFigures:
    """One head against one set of labels, on the n faces that have such a label.

    accuracy: single-crop, as is everything but `ten_crop`. macro_f1: the mean over the classes that have a
    face. ece: with the temperature that the model folder holds; ece_uncalibrated: with 1; likewise the two
    reliabilities. abstain: its coverage is of all faces, with a label or without. confusion: counts, a row
    for each label.
    """

    n: int
    accuracy: float
    ten_crop: float | None
    macro_f1: float
    ece: float
    ece_uncalibrated: float
    abstain: Abstention
    coverage_accuracy: tuple[tuple[float, float], ...]
    per_class: tuple[ClassFigures, ...]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[ConfidenceBin, ...]
    reliability_uncalibrated: tuple[ConfidenceBin, ...]


@dataclass(frozen=True)
class ConditionFigures:
    """The head for FER2013 on changed pictures: right, sure of it on average, not told, right where told.

    accuracy_ferplus: of the head for FER+ against its majorities, where there are votes.
    """

    accuracy: float
    confidence: float
    abstained: float
    accuracy_told: float | None
    accuracy_ferplus: float | None


@dataclass(frozen=True)
class Seen:
    """Faces whose very pixels the Training split holds too, and the accuracy on the others."""

    n: int
    accuracy_without: float | None


@dataclass(frozen=True)
class Report:
    """One model on one split. heads: by head, then by the labels it is held against."""

    split: str
    n: int
    labels: tuple[str, ...]
    model: ModelInfo
    serves: Head
    temperatures: dict[Head, float]
    heads: dict[Head, dict[Head, HeadFigures]]
    conditions: dict[str, ConditionFigures] | None
    speed: tuple[Speed, ...]
    seen_in_training: Seen | None

    @property
    def main(self) -> HeadFigures:
        """The head for FER2013 against FER2013's labels."""
        return self.heads["fer2013"]["fer2013"]

    @property
    def ferplus(self) -> HeadFigures | None:
        """The head for FER+, or the only head, against FER+'s majorities; None without votes."""
        return self.heads.get("ferplus", self.heads["fer2013"]).get("ferplus")

    def as_json(self) -> dict[str, Any]:
        """Everything; what stands at the top is that of `main`, but for what is called ferplus."""
        main, ferplus = self.main, self.ferplus
        return {
            **self._short(),
            "per_class": {name: asdict(found) for name, found in zip(self.labels, main.per_class, strict=True)},
            "coverage_accuracy": [list(point) for point in main.coverage_accuracy],
            "conditions_in_full": self.conditions and {name: asdict(found) for name, found in self.conditions.items()},
            "seen_in_training": self.seen_in_training and asdict(self.seen_in_training),
            "confusion": {
                "labels": list(self.labels),
                "fer2013": [list(row) for row in main.confusion],
                "ferplus": ferplus and [list(row) for row in ferplus.confusion],
            },
            "reliability": {
                "uncalibrated": [asdict(found) for found in main.reliability_uncalibrated],
                "calibrated": [asdict(found) for found in main.reliability],
            },
            "speed": [asdict(found) for found in self.speed],
        }

    def stored(self) -> dict[str, Any]:
        """The few figures that a model folder keeps, with the hash of the weights they are of."""
        short = self._short()
        info = short.pop("model")
        del short["split"]
        return {"sha256": info["sha256"], "version": info["version"], **short}

    def _short(self) -> dict[str, Any]:
        main, ferplus = self.main, self.ferplus
        return {
            "split": self.split,
            "n": self.n,
            "model": asdict(self.model),
            "serves": self.serves,
            "accuracy": {"single_crop": main.accuracy, "ten_crop": main.ten_crop},
            "accuracy_ferplus": ferplus and ferplus.accuracy,
            "n_ferplus": ferplus and ferplus.n,
            "macro_f1": main.macro_f1,
            "ece": main.ece,
            "ece_uncalibrated": main.ece_uncalibrated,
            "abstain": asdict(main.abstain),
            "heads": {
                head: {
                    "temperature": self.temperatures[head],
                    "against": {labels: _figures(found) for labels, found in by_labels.items()},
                }
                for head, by_labels in self.heads.items()
            },
            "conditions": self.conditions and {name: found.accuracy for name, found in self.conditions.items()},
        }


def _figures(found: HeadFigures) -> dict[str, Any]:
    return {
        "n": found.n,
        "accuracy": {"single_crop": found.accuracy, "ten_crop": found.ten_crop},
        "macro_f1": found.macro_f1,
        "ece": found.ece,
        "ece_uncalibrated": found.ece_uncalibrated,
        "abstain": asdict(found.abstain),
        "accuracy_at_80": dict(found.coverage_accuracy).get(0.8),
    }
