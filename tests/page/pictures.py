"""Previews of synthetic cameras, as an analyzer makes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from pipeline.capture.synthetic import Scene, SyntheticSource, people_of
from pipeline.messages import LABELS, Box, Face, Quality
from pipeline.sketch import preview, sketch

CELLS = 8  # as privacy.preview_cells has it
MOMENTS = 6
EVERY_SECONDS = 3.1


@dataclass(frozen=True)
class Shot:
    """A preview, and the faces in it."""

    jpeg: bytes
    width: int
    height: int
    faces: tuple[Face, ...]


@cache
def shots(people: int, seed: int, light: float = 1.0) -> tuple[Shot, ...]:
    """Some moments of one synthetic camera, the same each time. `light`: part of it that is there."""
    scene = Scene(people=people, seed=seed)
    source = SyntheticSource(scene)
    source.open()
    taken = []
    for moment in range(MOMENTS):
        for _ in range(int(EVERY_SECONDS * scene.fps)):
            source.grab()
        picture = source.picture()
        time = (source._index) / scene.fps
        faces = tuple(_face(scene, number, time, moment) for number in range(people))
        jpeg, width, height = preview(
            sketch((picture.image * light).astype(np.uint8), CELLS), [face.bbox for face in faces]
        )
        taken.append(Shot(jpeg, width, height, faces))
    return tuple(taken)


def _face(scene: Scene, number: int, time: float, moment: int) -> Face:
    """Where the person's face is, and what it shows."""
    person = people_of(scene)[number]
    x, y = person.face_x(time), person._centre[1] + person._down.at(time)
    width, height = 0.52 * person._width, 0.62 * person._width
    left, top = (x - width / 2) / scene.size.width, (y - 0.62 * height) / scene.size.height
    label = person.expression(time)
    confidence = 0.62 + 0.05 * ((moment + number + scene.seed) % 7)
    rest = (1 - confidence) / (len(LABELS) - 1)
    sure = (moment + number + scene.seed) % 5 != 0
    return Face(
        track_id=f"{scene.seed:016x}-{number}", track_epoch=1, detection_confidence=0.9,
        bbox=Box(x=left, y=top, width=width / scene.size.width, height=height / scene.size.height),
        quality=Quality(size_px=90), scores={name: confidence if name == label else rest for name in LABELS},
        label=label, confidence=confidence, abstained=not sure, reason="" if sure else "uncertain",
        zone_ids=["bed"] if number == 0 else [],
    )  # fmt: skip
