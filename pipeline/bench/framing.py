"""`emostream bench framing`: do the crops of camera faces look like the crops that the model was taught with?

FER2013's faces are put before a camera, found, cut out by several rules and scored, beside the original pictures.
To be run again for every new model; docs/decisions/0004 has the figures.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from pipeline.analyze.crop import Square, cut, framed
from pipeline.analyze.detect import make as make_detector
from pipeline.analyze.image import Image
from pipeline.analyze.pose import Points
from pipeline.analyze.readable import readable, sharpness
from pipeline.bench.faces import Change, Found, Labelled, find, load, percent, percentiles, score, watched
from pipeline.bench.spoil import turned
from pipeline.classify.choose import make as make_classifier
from pipeline.classify.classifier import Classifier, CropSpec
from pipeline.settings import Settings

Labels = NDArray[np.int64]
Cropped = tuple[Image, list[complex]]
"""A face's crop, and its landmarks in it as x + iy, parts of the side; none where the detector knows none."""
Rule = Callable[[Sequence[float], Points | None], Square]

SERVED, NOT_TURNED = "as served", "box alone, not turned"
ANGLES = (15, 30)  # degrees
MARGINS = (-0.1, -0.05, -0.025, 0.025, 0.05, 0.1, 0.2)
SHIFTS = (-0.08, -0.04, 0.04, 0.08)  # parts of the square's side, downwards
MARKS = ("left eye", "right eye", "nose", "left of mouth", "right of mouth")
FER2013_MARKS = np.array([0.32 + 0.39j, 0.67 + 0.39j, 0.48 + 0.60j, 0.34 + 0.74j, 0.63 + 0.75j])
"""Where FER2013's pictures have them, x + iy as parts of the side; medians."""


def run(
    settings: Settings, data: Path, split: str, faces: int, uris: Sequence[str], frames: int, console: Console
) -> dict[str, Any]:
    """The figures, shown as tables and returned for the report. Raises UsageError, SourceError, DependencyError."""
    labelled = load(data, split, faces)
    classifier = make_classifier(settings.classify.model_copy(update={"kind": "in-process"}))
    detector = make_detector(settings.detect, settings.model_dir)
    margin = classifier.crop.margin if settings.analyze.crop_margin is None else settings.analyze.crop_margin
    ways = rules(margin)
    framings, upright = _scored("", labelled, find(labelled, settings, detector), ways, classifier)
    unturned = {name: ways[name] for name in (SERVED, NOT_TURNED)}
    for angle in ANGLES:
        change = Change("aslant", angle, partial(turned, degrees=angle))
        found = find(labelled, settings, detector, change)
        framings += _scored(f"{angle}° aslant, ", labelled, found, unturned, classifier)[0][1:]
    places = [_place("FER2013, found again", upright)]
    for uri in uris:
        faces_there = (_crop(one, ways[SERVED], classifier.crop) for one in watched(uri, frames, settings, detector))
        places.append(_place(uri.rsplit("/", 1)[-1], list(faces_there)))
    outcome = {
        "model": classifier.model.model_dump(),
        "margin": margin,
        "faces": len(labelled.labels),
        "found": len(upright),
        "sharpness_of_originals": percentiles([sharpness(face) for face in labelled.faces]),
        "framings": framings,
        "places": places,
    }
    _show(outcome, console)
    return outcome


def rules(margin: float) -> dict[str, Rule]:
    """Ways to frame a face, by name."""
    found: dict[str, Rule] = {
        SERVED: lambda box, points: framed(box, points, margin),
        NOT_TURNED: lambda box, _: framed(box, None, margin),
        "five landmarks fitted": lambda box, points: fitted(box, points, margin),
    }
    for more in MARGINS:
        found[f"margin {margin + more:+.3f}"] = partial(framed, margin=margin + more)
    for down in SHIFTS:
        found[f"shifted down {down:+.2f}"] = partial(shifted, margin=margin, down=down)
    return found


def fitted(box: Sequence[float], points: Points | None, margin: float) -> Square:
    """The square that puts the landmarks nearest to where FER2013's pictures have theirs (least squares)."""
    if points is None:
        return framed(box, None, margin)
    there, here = FER2013_MARKS - FER2013_MARKS.mean(), np.array(points)
    turn = complex(((here - here.mean()) * there.conj()).sum() / (abs(there) ** 2).sum())
    centre = complex(here.mean() + turn * (0.5 + 0.5j - FER2013_MARKS.mean()))
    return Square(centre.real, centre.imag, abs(turn) * (1 + 2 * margin), cmath.phase(turn))


def shifted(box: Sequence[float], points: Points | None, margin: float, down: float) -> Square:
    """The served square, moved along its own vertical by a part of its side."""
    square = framed(box, points, margin)
    move = cmath.rect(down * square.side, square.angle + math.pi / 2)
    return square._replace(x=square.x + move.real, y=square.y + move.imag)


def in_crop(points: Points, square: Square) -> list[complex]:
    """Where landmarks lie in the crop of a square, as parts of its side."""
    turn = cmath.rect(square.side, square.angle)
    return [(point - complex(square.x, square.y)) / turn + 0.5 + 0.5j for point in points]


def _crop(one: Found, rule: Rule, spec: CropSpec) -> Cropped:
    square = rule(one.box, one.points)
    return cut(one.picture.view(square.side / spec.size, spec.color), square, spec), in_crop(one.points or (), square)


def _scored(
    prefix: str, labelled: Labelled, found: Iterable[Found], ways: Mapping[str, Rule], classifier: Classifier
) -> tuple[list[dict[str, Any]], list[Cropped]]:
    """How each way of framing does, the original pictures first; and the faces as the served one cuts them."""
    index: list[int] = []
    crops: list[list[Cropped]] = []
    for one in found:  # one at a time: their frames are large
        index.append(one.index)
        crops.append([_crop(one, rule, classifier.crop) for rule in ways.values()])
    labels = labelled.labels[index]
    original = score(classifier, list(labelled.faces[index])).argmax(1)
    said = {name: score(classifier, [face[at][0] for face in crops]).argmax(1) for at, name in enumerate(ways)}
    rows = [{"framing": f"{prefix}original picture", "accuracy": percent(original == labels), "agreement": 100.0}]
    rows += [_compared(prefix + name, labels, original, said[SERVED], said[name]) for name in ways]
    at_served = list(ways).index(SERVED)
    return rows, [face[at_served] for face in crops]


def _compared(name: str, labels: Labels, original: Labels, served: Labels, said: Labels) -> dict[str, Any]:
    """How a framing does; `standard_error` is that of its difference to the served one, on the same faces."""
    right, was = said == labels, served == labels
    return {
        "framing": name,
        "accuracy": percent(right),
        "agreement": percent(said == original),
        "better_than_served": round(100 * float(right.mean() - was.mean()), 1),
        "standard_error": round(100 * math.sqrt(float((right != was).sum())) / len(right), 1),
    }


def _place(name: str, faces: Sequence[Cropped]) -> dict[str, Any]:
    """Landmarks in the crops as [median x, median y, deviation of x, of y], and the crops' sharpness."""
    columns = np.array([marks for _, marks in faces if marks]).T
    middle = [
        [round(float(v), 3) for v in (np.median(mark.real), np.median(mark.imag), mark.real.std(), mark.imag.std())]
        for mark in columns
    ]
    return {
        "faces": name,
        "n": len(faces),
        "landmarks": dict(zip(MARKS, middle, strict=False)),
        "sharpness": percentiles([readable(crop)["sharpness"] for crop, _ in faces]),
    }


def _show(outcome: dict[str, Any], console: Console) -> None:
    model = outcome["model"]
    title = f"{model['name']} {model['version']}: {outcome['found']} of {outcome['faces']} faces found again"
    table = Table("framing", "accuracy, %", "as the original, %", "better than served", "± (1 s.e.)", title=title)
    for way in outcome["framings"]:
        table.add_row(*(str(value) for value in way.values()))
    console.print(table)
    table = Table("faces", "n", *MARKS, "sharpness", title="medians in the crop (deviation)")
    table.add_row(
        "FER2013, original",
        "",
        *(f"{mark.real} {mark.imag}" for mark in FER2013_MARKS),
        _middle(outcome["sharpness_of_originals"]),
    )
    for place in outcome["places"]:
        marks = [f"{x} {y} ({dx} {dy})" for x, y, dx, dy in place["landmarks"].values()]
        table.add_row(place["faces"], str(place["n"]), *(marks or [""] * len(MARKS)), _middle(place["sharpness"]))
    console.print(table)


def _middle(quartiles: Sequence[float]) -> str:
    return str(quartiles[1]) if quartiles else ""
