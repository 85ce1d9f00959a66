"""`emostream bench quality`: on which faces is the model right, and which of them does the gate stop?

FER2013's faces are put before a camera, spoilt by degrees, found, cut out and scored, gate or no gate. Cameras, when
some are given, show what the gate stops there and which labels come out. docs/decisions/0007 has the figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from pipeline.analyze.crop import Cropper
from pipeline.analyze.detect import make as make_detector
from pipeline.analyze.gate import Gate
from pipeline.analyze.image import Image
from pipeline.bench.faces import UNCHANGED, Change, Found, find, load, percent, percentiles, score, watched
from pipeline.bench.spoil import CAMERA_CHANGES, CHANGES
from pipeline.classify.choose import make as make_classifier
from pipeline.classify.classifier import Classifier
from pipeline.messages import LABELS, Quality
from pipeline.settings import QualitySettings, Settings

OFF = QualitySettings(**dict.fromkeys(QualitySettings.model_fields, 0))
BINS: dict[str, tuple[tuple[str, ...], tuple[float, ...]]] = {
    "sharpness": (("blur", "blur and noise", "small"), (0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 2)),
    "size_px": (("small",), (0, 8, 10, 12, 16, 20, 24, 32, 48)),
    "brightness": (("dark",), (0, 4, 6, 8, 10, 15, 20, 30, 50)),
    "saturated": (("white",), (0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.8, 1)),
    "contrast": (("flat",), (0, 2, 3, 4, 5, 7, 10, 20)),
    "inside": (("cut off below", "cut off aside"), (0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1)),
    "yaw": (("unchanged",), (0, 10, 20, 30, 40, 50, 60, 90)),
    "pitch": (("unchanged",), (0, 5, 10, 15, 20, 30, 90)),
    "roll": (("unchanged", "aslant"), (0, 10, 20, 30, 40, 50, 60, 180)),
    "confidence": (("unchanged",), (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 1)),
}
"""Which changes show what a measure is worth, and the edges between which faces are counted together."""


@dataclass(slots=True)
class Faces:
    """Faces after one change, scored whatever the gate says of them: parallel lists."""

    change: Change
    index: list[int] = field(default_factory=list)
    quality: list[Quality] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    crops: list[Image] = field(default_factory=list)

    def values(self, measure: str) -> NDArray[np.float64]:
        """One of the measures, without its sign; nan where it is not known."""
        if measure == "confidence":
            return np.array(self.confidence)
        values = [getattr(quality, measure) for quality in self.quality]
        return np.abs(np.array(values, np.float64))


def run(
    settings: Settings, data: Path, split: str, faces: int, uris: Sequence[str], frames: int, console: Console
) -> dict[str, Any]:
    """The figures, shown as tables and returned for the report. Raises UsageError, SourceError, DependencyError."""
    labelled = load(data, split, faces)
    classifier = make_classifier(settings.classify.model_copy(update={"kind": "in-process"}))
    detector = make_detector(settings.detect, settings.model_dir)
    measured = [_measured(find(labelled, settings, detector, c), c, settings, classifier) for c in CHANGES]
    said = [score(classifier, some.crops).argmax(1) for some in measured]
    right = [labels == labelled.labels[some.index] for labels, some in zip(said, measured, strict=True)]
    rows = []
    for some, labels, good in zip(measured, said, right, strict=True):
        read = np.array([not reason for reason in some.reasons], bool)
        rows.append(
            {
                "change": some.change.name,
                "level": some.change.level,
                "found": percent(len(labels) / len(labelled.labels)),
                "sharpness": percentiles(some.values("sharpness")),
                "accuracy": percent(good),
                "not_read": percent(~read),
                "accuracy_of_read": percent(good[read]),
                "reasons": dict(Counter(filter(None, some.reasons)).most_common()),
                "labels": _shares(labels),
            }
        )
    bins = [row for measure in BINS for row in _bins(measure, measured, right)]
    cameras = []
    for uri in uris:
        for change in CAMERA_CHANGES:
            some = _measured(watched(uri, frames, settings, detector, change), change, settings, classifier)
            cameras.append(_camera(uri.rsplit("/", 1)[-1], some, classifier))
    outcome = {
        "model": classifier.model.model_dump(),
        "quality": settings.quality.model_dump(),
        "faces": len(labelled.labels),
        "changes": rows,
        "bins": bins,
        "cameras": cameras,
    }
    _show(outcome, console)
    return outcome


def _measured(found: Iterable[Found], change: Change, settings: Settings, classifier: Classifier) -> Faces:
    margin = classifier.crop.margin if settings.analyze.crop_margin is None else settings.analyze.crop_margin
    cutter = Cropper(classifier.crop, Gate(OFF, 0), 1, margin)
    gate = Gate(settings.quality, settings.detect.min_face_px)
    faces = Faces(change)
    for one in found:
        (cut,) = cutter(one.picture, one.alone)
        if cut.crop is None:
            continue
        faces.index.append(one.index)
        faces.quality.append(cut.quality)
        faces.confidence.append(cut.confidence)
        faces.reasons.append(gate(cut.quality, cut.confidence))
        faces.crops.append(cut.crop)
    return faces


def _bins(measure: str, measured: Sequence[Faces], right: Sequence[NDArray[np.bool_]]) -> list[dict[str, Any]]:
    """Accuracy between one edge of a measure and the next."""
    names, edges = BINS[measure]
    chosen = [at for at, some in enumerate(measured) if some.change.name in (*names, UNCHANGED.name)]
    values = np.concatenate([measured[at].values(measure) for at in chosen])
    good = np.concatenate([right[at] for at in chosen])
    rows = []
    for low, high in pairwise(edges):
        within = (values >= low) & (values < high)
        if within.any():
            rows.append(
                {"measure": measure, "from": low, "to": high, "n": int(within.sum()), "accuracy": percent(good[within])}
            )
    return rows


def _camera(name: str, some: Faces, classifier: Classifier) -> dict[str, Any]:
    labels = score(classifier, some.crops).argmax(1)
    read = np.array([not reason for reason in some.reasons], bool)
    return {
        "camera": name,
        "change": some.change.name,
        "level": some.change.level,
        "faces": len(labels),
        "not_read": percent(~read),
        "reasons": dict(Counter(filter(None, some.reasons)).most_common()),
        "sharpness": percentiles(some.values("sharpness")),
        "labels": _shares(labels),
    }


def _shares(labels: NDArray[np.int64]) -> dict[str, float | None]:
    return {name: percent(labels == at) for at, name in enumerate(LABELS)}


def _show(outcome: dict[str, Any], console: Console) -> None:
    model = outcome["model"]
    table = Table(
        "change",
        "level",
        "found, %",
        "sharpness",
        "accuracy, %",
        "not read, %",
        "accuracy of those read",
        "reasons",
        *LABELS,
        title=f"{model['name']} {model['version']}: {outcome['faces']} faces",
    )
    for row in outcome["changes"]:
        table.add_row(
            *(_text(value) for key, value in row.items() if key != "labels"), *map(str, row["labels"].values())
        )
    console.print(table)
    table = Table("measure", "from", "to", "n", "accuracy, %")
    for row in outcome["bins"]:
        table.add_row(*map(str, row.values()))
    console.print(table)
    if not outcome["cameras"]:
        return
    table = Table("camera", "change", "level", "faces", "not read, %", "reasons", "sharpness", *LABELS)
    for row in outcome["cameras"]:
        table.add_row(
            *(_text(value) for key, value in row.items() if key != "labels"), *map(str, row["labels"].values())
        )
    console.print(table)


def _text(value: Any) -> str:
    match value:
        case dict():
            return ", ".join(f"{name} {count}" for name, count in value.items())
        case list():
            return " ".join(map(str, value))
    return str(value)
