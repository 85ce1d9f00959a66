"""Previews of synthetic cameras as an analyzer would make them: low-passed whole, faces filled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2

from pipeline.capture.synthetic import Scene, SyntheticSource, people_of
from pipeline.messages import LABELS, Box, Face, Quality

SIZE = (320, 240)
DETAIL = (40, 30)  # pixels that are left of the whole picture
MOMENTS = 6
EVERY_SECONDS = 3.1
QUALITY = 70


@dataclass(frozen=True)
class Shot:
    """A preview, and the faces in it."""

    jpeg: bytes
    faces: tuple[Face, ...]


@cache
def shots(people: int, seed: int) -> tuple[Shot, ...]:
    """Some moments of one synthetic camera, the same each time."""
    scene = Scene(people=people, seed=seed)
    source = SyntheticSource(scene)
    source.open()
    taken = []
    for moment in range(MOMENTS):
        for _ in range(int(EVERY_SECONDS * scene.fps)):
            source.grab()
        picture = source.picture()
        time = (source._index) / scene.fps
        image = cv2.resize(cv2.resize(picture.image, DETAIL, interpolation=cv2.INTER_AREA), SIZE)
        faces = tuple(_face(scene, number, time, moment) for number in range(people))
        for face in faces:
            box = face.bbox
            middle = (int((box.x + box.width / 2) * SIZE[0]), int((box.y + box.height / 2) * SIZE[1]))
            axes = (int(box.width * SIZE[0] / 2), int(box.height * SIZE[1] / 2))
            colour = tuple(int(level) for level in cv2.mean(image[max(0, middle[1] - 9) : middle[1] + 9])[:3])
            cv2.ellipse(image, middle, axes, 0, 0, 360, colour, -1)
        taken.append(Shot(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes(), faces))
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
        track_id=f"{scene.seed:02x}{number:x}f", track_epoch=1, detection_confidence=0.9,
        bbox=Box(x=left, y=top, width=width / scene.size.width, height=height / scene.size.height),
        quality=Quality(size_px=90), scores={name: confidence if name == label else rest for name in LABELS},
        label=label, confidence=confidence, abstained=not sure, reason="" if sure else "uncertain",
        zone_ids=["bed"] if number == 0 else [],
    )  # fmt: skip
