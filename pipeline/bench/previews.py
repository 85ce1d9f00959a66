"""`emostream bench previews`: what can be told of a face in a preview when no detector has found it, so that nothing of
it was filled? docs/decisions/0016 has the figures.

Drawn people stand before the same wall, each with a face as wide as a given part of the frame. Their previews are
enlarged again, searched by both detectors, and compared with the originals, each with another expression, tilt and
place: whose face correlates best?
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from pipeline.analyze.detect import FaceDetector
from pipeline.analyze.detect import make as make_detector
from pipeline.analyze.image import Image
from pipeline.analyze.opencv import cv2
from pipeline.bench.faces import FRAME, Labelled, load, percent, score
from pipeline.capture.expressions import POSES
from pipeline.capture.portrait import Look, draw
from pipeline.capture.synthetic import Scene, SyntheticSource
from pipeline.classify.choose import make as make_classifier
from pipeline.messages import Box
from pipeline.settings import DetectSettings, Settings
from pipeline.sketch import preview, sketch

PEOPLE = 60
CELLS = (0, 24, 16, 12, 10, 8, 6)  # 0: the picture itself
PARTS = (0.6, 0.3, 0.15)  # width of the face, of the frame's; 0.6 fills it from top to bottom
FACE = 0.58  # of a portrait's width
LONG = 1.25  # height of a face over its width
REGION = (48, 60)  # pixels that faces are compared at
ENLARGED = 2  # for the detectors
DOUBTFUL = 0.3  # confidence with which a detector counts here: half of what analyze asks for
SEED = 7
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Portrait:
    """A person in a frame, the face in its middle."""

    who: int
    image: Image


def run(settings: Settings, data: Path | None, faces: int, console: Console) -> dict[str, Any]:
    """The figures, shown and returned for the report. Raises UsageError."""
    detectors = {
        name: make_detector(DetectSettings(detector=name, confidence=least), settings.model_dir)
        for name, least in (("auto", DOUBTFUL), ("haar", 0.0))
    }
    labelled = None if data is None else load(data, "PublicTest", faces)
    rows = []
    for part in PARTS:
        gallery, probes = gallery_of(PEOPLE, part), list(probes_of(PEOPLE, part))
        for cells in CELLS:
            shown = [Portrait(each.who, published(each.image, cells)) for each in probes]
            found = {d.ref.name: percent([found_in(d, p.image) for p in shown]) for d in detectors.values()}
            row = {"face": part, "cells": cells, "rank_one": percent(rank_one(gallery, shown, part)), "found": found}
            rows.append(row)
    outcome = {"chance": round(100 / PEOPLE, 1), "rows": rows, "milliseconds": cost(settings.privacy.preview_cells)}
    if labelled is not None:
        outcome["expressions"] = expressions(settings, labelled)
    _show(outcome, console)
    return outcome


def gallery_of(people: int, part: float) -> list[Portrait]:
    """Everybody once, calm and upright."""
    return [Portrait(who, _staged(who, "neutral", part)) for who in range(people)]


def probes_of(people: int, part: float) -> Iterator[Portrait]:
    """Everybody twice, as they look some other time."""
    rng = np.random.default_rng(SEED)
    for who in range(people):
        for expression in ("happy", "sad"):
            aside = rng.uniform(-0.03, 0.03, 2) * FRAME[0] * part
            turn, size = float(rng.uniform(-4, 4)), float(rng.uniform(0.95, 1.05))
            yield Portrait(who, _staged(who, expression, part, tuple(aside.tolist()), turn, size))


def published(image: Image, cells: int, faces: Sequence[Box] = ()) -> Image:
    """A frame's preview, enlarged to the frame's size; 0 cells: the frame itself."""
    if not cells:
        return image
    jpeg, *_ = preview(sketch(image, cells), faces)
    small = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    enlarged: Image = cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return enlarged


def rank_one(gallery: Sequence[Portrait], probes: Sequence[Portrait], part: float) -> list[bool]:
    """Whether each probe is most like the right one of the gallery's originals, by normalised cross-correlation."""
    known = np.stack([region(each.image, part) for each in gallery])
    return [gallery[int(np.argmax(known @ region(each.image, part)))].who == each.who for each in probes]


def region(image: Image, part: float) -> Floats:
    """The gray face in a frame's middle, an oval, as a vector of mean 0 and length 1."""
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    height, width = gray.shape
    across = int(width * part)
    down = min(height, int(across * LONG))
    left, top = (width - across) // 2, (height - down) // 2
    face = cv2.resize(gray[top : top + down, left : left + across], REGION, interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[-1 : 1 : REGION[1] * 1j, -1 : 1 : REGION[0] * 1j]  # type: ignore[misc]
    values = face[x * x + y * y <= 1].astype(np.float32)
    values -= values.mean()
    return np.asarray(values / max(float(np.linalg.norm(values)), 1e-6), np.float32)


def found_in(detector: FaceDetector, image: Image) -> bool:
    """Whether it finds a face, however small, in the enlarged picture."""
    enlarged = cv2.resize(image, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    return len(detector.detect([enlarged])[0]) > 0


def expressions(settings: Settings, labelled: Labelled) -> dict[str, float | None]:
    """How often the model reads FER2013's faces rightly in previews that they fill, by cells; and always the same."""
    classifier = make_classifier(settings.classify.model_copy(update={"kind": "in-process"}))
    size = classifier.crop.size
    right = {}
    for cells in CELLS:
        crops = [
            cv2.cvtColor(
                published(cv2.cvtColor(cv2.resize(face, (size, size)), cv2.COLOR_GRAY2BGR), cells), cv2.COLOR_BGR2GRAY
            )
            for face in labelled.faces
        ]
        right[str(cells)] = percent(score(classifier, crops).argmax(1) == labelled.labels)
    classifier.close()
    return {**right, "most frequent": percent(labelled.labels == np.bincount(labelled.labels).argmax())}


def cost(cells: int, rounds: int = 300) -> dict[str, float]:
    """Milliseconds a preview: what the looking threads do, and what the loop does."""
    picture = _room()
    box = Box(x=0.4, y=0.4, width=0.1, height=0.1)
    began = time.perf_counter()
    for _ in range(rounds):
        drawn = sketch(picture, cells)
    half = time.perf_counter()
    for _ in range(rounds):
        preview(drawn.copy(), [box])
    end = time.perf_counter()
    return {"sketch": round(1000 * (half - began) / rounds, 3), "preview": round(1000 * (end - half) / rounds, 3)}


def _room() -> Image:
    source = SyntheticSource(Scene(people=0, seed=1))
    source.open()
    source.grab()
    room: Image = cv2.resize(source.picture().image, FRAME, interpolation=cv2.INTER_AREA)
    return room


def _staged(
    who: int, expression: str, part: float, aside: tuple[float, ...] = (0, 0), turn: float = 0, size: float = 1
) -> Image:
    width, height = FRAME
    drawn = draw(Look.any(np.random.default_rng([SEED, who])), POSES[expression], int(width * part / FACE * size))
    middle = drawn.shape[1] / 2, drawn.shape[0] * 0.49
    matrix = cv2.getRotationMatrix2D(middle, turn, 1)
    matrix[:, 2] += (width / 2 + aside[0] - middle[0], height / 2 + aside[1] - middle[1])
    placed = cv2.warpAffine(drawn, matrix, FRAME).astype(np.float32)
    cover = placed[..., 3:] / 255
    return np.asarray(_room() * (1 - cover) + placed[..., :3] * cover, np.uint8)


def _show(outcome: dict[str, Any], console: Console) -> None:
    table = Table("face", "cells", "matched, %", "found, %", box=None, title=f"chance: {outcome['chance']} %")
    for row in outcome["rows"]:
        found = ", ".join(f"{name} {share:g}" for name, share in row["found"].items())
        table.add_row(f"{row['face']:g}", str(row["cells"] or "frame"), f"{row['rank_one']:g}", found)
    console.print(table)
    if "expressions" in outcome:
        console.print("expressions read rightly, %:", outcome["expressions"])
    console.print("milliseconds:", outcome["milliseconds"])
