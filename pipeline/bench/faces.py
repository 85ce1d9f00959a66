"""Labelled faces put before a camera: FER2013's pictures, set into a larger frame, compressed and found again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.analyze.decode import Picture
from pipeline.analyze.detect import FaceDetector, locate
from pipeline.analyze.detections import Detections
from pipeline.analyze.image import Image
from pipeline.analyze.opencv import cv2
from pipeline.analyze.pose import Points
from pipeline.bench.frames import record
from pipeline.capture.spec import ReadOptions
from pipeline.capture.uri import camera_specs
from pipeline.classify.classifier import Classifier
from pipeline.errors import UsageError
from pipeline.settings import CameraSettings, Settings

FRAME = (320, 240)  # width, height
SIDE = 48  # pixels of FER2013's pictures
ZOOM = 2  # pixels of the frame per pixel of the data set's picture
NEAR = 0.3  # of the picture's side: a face further than this from its middle is another one
SEED = 1
AT_ONCE = 256  # crops scored in one call


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to frames before they are compressed. `middle`: where it puts the face's, as parts of the frame."""

    name: str
    level: float
    apply: Callable[[Image], Image]
    middle: tuple[float, float] = (0.5, 0.5)


UNCHANGED = Change("unchanged", 0, lambda frame: frame)


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """faces: (N, side, side) gray; labels: (N,), in the order of messages.LABELS."""

    faces: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Face number `index` as it was found in its frame. `alone`: it as the only detection."""

    index: int
    picture: Picture
    alone: Detections

    @property
    def box(self) -> Sequence[float]:
        box: list[float] = self.alone.boxes[0].tolist()
        return box

    @property
    def points(self) -> Points | None:
        marks = self.alone.landmarks
        return None if marks is None else [complex(x, y) for x, y in marks[0]]


def load(data: Path, split: str, count: int) -> Labelled:
    """`count` faces of a split, the same ones every time; without the pictures of one even gray. Raises UsageError."""
    from serving.data.fer2013 import load_fer2013
    from serving.errors import ServingError

    try:
        faces = load_fer2013(data, split)
    except ServingError as error:
        raise UsageError(f"--data: {error}", "give FER2013's csv: emotion,pixels,Usage") from None
    pixels, labels = np.asarray(faces.pixels), np.asarray(faces.labels)
    usable = np.flatnonzero(pixels.std((1, 2)) > 1)
    chosen = np.sort(np.random.default_rng(SEED).permutation(usable)[:count])
    return Labelled(pixels[chosen], labels[chosen])


def staged(face: NDArray[np.uint8]) -> Image:
    """A gray frame with the face in its middle. Around it its own picture is mirrored, as a camera sees something
    there, too; a detector's box is then not held by the picture's edge."""
    side = len(face) * ZOOM
    enlarged = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
    across, down = (FRAME[0] - side) // 2, (FRAME[1] - side) // 2
    reach = min(across, down, side - 1)
    mirrored = cv2.copyMakeBorder(enlarged, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    rest = down - reach, down - reach, across - reach, across - reach
    frame: Image = cv2.copyMakeBorder(mirrored, *rest, cv2.BORDER_REPLICATE)
    return frame


def find(labelled: Labelled, settings: Settings, detector: FaceDetector, change: Change = UNCHANGED) -> Iterator[Found]:
    """The faces that the detector finds again."""
    for index, face in enumerate(labelled.faces):
        picture = seen(change.apply(staged(face)), settings)
        (faces,) = locate(detector, [picture])
        one = _at(change.middle, faces, picture)
        if one is not None:
            yield Found(index, picture, one)


def seen(frame: Image, settings: Settings) -> Picture:
    """A frame as analyze gets it."""
    height, width = frame.shape[:2]
    colour = frame if frame.ndim == 3 else cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
    _, jpeg = cv2.imencode(".jpg", colour, [cv2.IMWRITE_JPEG_QUALITY, settings.capture.jpeg_quality])
    return Picture(jpeg.tobytes(), width, height, settings.detect.max_side)


def watched(
    uri: str, frames: int, settings: Settings, detector: FaceDetector, change: Change = UNCHANGED
) -> Iterator[Found]:
    """All faces of a camera's first frames; `index` is that of the frame. Raises SourceError."""
    (camera,) = camera_specs([CameraSettings(uri=uri)])
    for header, jpeg in record([camera], frames, ReadOptions(settings.capture.max_side, settings.capture.jpeg_quality)):
        picture = Picture(jpeg, header.width, header.height, settings.detect.max_side)
        if change is not UNCHANGED:
            frame = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            picture = seen(change.apply(np.asarray(frame, np.uint8)), settings)
        (faces,) = locate(detector, [picture])
        for at in range(len(faces)):
            yield Found(header.frame_id.seq, picture, alone(faces, at))


def percentiles(values: Sequence[float] | NDArray[np.float64], at: Sequence[float] = (5, 50, 95)) -> list[float]:
    """Percentiles of values; empty without any."""
    return [round(float(v), 3) for v in np.percentile(values, at)] if len(values) else []


def alone(faces: Detections, at: int) -> Detections:
    """One of the faces."""
    one = slice(at, at + 1)
    return Detections(
        faces.boxes[one], faces.confidence[one], None if faces.landmarks is None else faces.landmarks[one]
    )


def score(classifier: Classifier, crops: Sequence[Image]) -> NDArray[np.float32]:
    """(N, 7) probabilities."""
    parts = [classifier.classify(crops[at : at + AT_ONCE]).probabilities for at in range(0, len(crops), AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros((0, 7), np.float32)


def percent(part: Any) -> float | None:
    """A share or a mean of truths, in per cent; None of nothing."""
    return round(100 * float(np.mean(part)), 1) if np.size(part) else None


def _at(middle: tuple[float, float], faces: Detections, picture: Picture) -> Detections | None:
    """The most confident face whose box has its middle near there; None: there is none."""
    size = np.array([picture.width, picture.height])
    away = abs(faces.boxes[:, :2] + faces.boxes[:, 2:] / 2 - size * middle)
    near = np.flatnonzero((away < NEAR * SIDE * ZOOM * picture.width / FRAME[0]).all(1))
    return alone(faces, int(near[0])) if len(near) else None
