"""Face boxes -> the crops a model reads, framed as the faces it learned from. Pure.

FER2013's faces are upright (95 % within 6 degrees) and keep their distance to the edges whichever way they look.
So the frame is placed by the detector's box, which keeps to the head, and turned by the landmarks until the eyes
are level. Fitting all five landmarks instead puts faces in half profile up to a fifth of the picture aside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.analyze.decode import Picture
from pipeline.analyze.detections import Detections
from pipeline.analyze.gate import Gate
from pipeline.analyze.image import Image, View
from pipeline.analyze.opencv import cv2
from pipeline.analyze.pose import Points, pose, roll
from pipeline.analyze.readable import readable
from pipeline.classify.classifier import CropSpec
from pipeline.messages import Box, Quality

FER2013_BOX = (0.772, 0.982)
"""Width and height of YuNet's box as parts of FER2013's picture; medians over PublicTest. The eyes then are at
(0.32, 0.40) and (0.68, 0.40), nose (0.50, 0.60), corners of the mouth (0.35, 0.76) and (0.65, 0.76). Found with each
picture enlarged twice, on an even ground of its mean gray, where YuNet sees 90 % of them."""
FER2013_DOWN = 0.034
"""How far the box's centre lies below the picture's, as part of its side."""
LEAST_AREA = 1e-6
STRIDE = 1.5
"""Pixels of the view from sample to sample of a warp: more would skip pixels, less would blur."""

TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """One face: where it is, how readable, and its crop as the model's CropSpec says; or why it is not read."""

    box: Box
    confidence: float
    quality: Quality
    crop: Image | None
    rejected: str = ""


class Square(NamedTuple):
    """What becomes a crop: centre, side in pixels of the captured frame; turned by `angle` radians."""

    x: float
    y: float
    side: float
    angle: float


@dataclass(frozen=True, slots=True)
class Cropper:
    """Cuts faces. `margin`: part of FER2013's own framing that is added on each side.

    Faces that do not pass the gate, and the least confident beyond `max_faces`, get no crop but a reason.
    """

    spec: CropSpec
    gate: Gate
    max_faces: int
    margin: float = 0.0

    def __call__(self, picture: Picture, faces: Detections) -> list[Cut]:
        """One Cut a face, in the order of `faces`. May decode the picture finer: raises BadRecord("decode")."""
        left = self.max_faces
        cuts: list[Cut] = []
        landmarks = [None] * len(faces) if faces.landmarks is None else faces.landmarks.tolist()
        columns = zip(faces.boxes.tolist(), faces.confidence.round(4).tolist(), landmarks, strict=True)
        for edges, confidence, marks in columns:
            points = None if marks is None else [complex(x, y) for x, y in marks]
            box, quality = placed(edges, points, picture.width, picture.height)
            crop, rejected = None, self.gate(quality, confidence)
            if not rejected and left == 0:
                rejected = TOO_MANY
            if not rejected:
                left -= 1
                square = framed(edges, points, self.margin)
                crop = cut(picture.view(square.side / self.spec.size, self.spec.color), square, self.spec)
                quality = quality.model_copy(update=dict(readable(crop)))
                rejected = self.gate(quality, confidence)
            cuts.append(Cut(box, round(confidence, 4), quality, None if rejected else crop, rejected))
        return cuts


def placed(box: Sequence[float], points: Points | None, width: int, height: int) -> tuple[Box, Quality]:
    """A face's box, cut off at the edges of a picture of `width` x `height`, and what is known of it without a crop."""
    x, y, w, h = box
    left, right = min(max(x, 0.0), width), min(max(x + w, 0.0), width)
    top, bottom = min(max(y, 0.0), height), min(max(y + h, 0.0), height)
    seen_w, seen_h = right - left, bottom - top
    yaw, pitch = (None, None) if points is None else pose(points)
    quality = Quality(
        size_px=round(min(seen_w, seen_h), 1),
        inside=round(seen_w * seen_h / max(w * h, LEAST_AREA), 3),
        yaw=yaw,
        pitch=pitch,
        roll=None if points is None else round(math.degrees(roll(points)), 1),
    )
    x, y, w, h = (round(part, 5) for part in (left / width, top / height, seen_w / width, seen_h / height))
    return Box(x=x, y=y, width=w, height=h), quality


def framed(box: Sequence[float], points: Points | None, margin: float = 0.0) -> Square:
    """The square that shows a face as FER2013 does. `box`: x, y, width, height; `points`: its landmarks, if known."""
    x, y, width, height = box
    tight = math.sqrt(max(width * height, 1.0) / (FER2013_BOX[0] * FER2013_BOX[1]))
    angle = 0.0 if points is None else roll(points)
    up = FER2013_DOWN * tight
    centre_x = x + width / 2 + up * math.sin(angle)
    centre_y = y + height / 2 - up * math.cos(angle)
    return Square(centre_x, centre_y, tight * (1 + 2 * margin), angle)


def cut(view: View, square: Square, spec: CropSpec) -> Image:
    """One warp from the view into the crop. What lies beyond the picture is its edge, repeated.

    When it shrinks, the warp goes to a whole multiple of the crop's size, of which areas are then averaged.
    """
    image, (step_x, step_y) = view.image, view.step
    shrink = square.side / (spec.size * max(step_x, step_y))
    multiple = max(1, math.ceil(shrink / STRIDE))
    out = spec.size * multiple
    scale = square.side / out
    cos, sin = math.cos(square.angle) * scale, math.sin(square.angle) * scale
    middle = (out - 1) / 2
    matrix = np.array(
        (
            (cos / step_x, -sin / step_x, (square.x - middle * (cos - sin)) / step_x - 0.5),
            (sin / step_y, cos / step_y, (square.y - middle * (sin + cos)) / step_y - 0.5),
        )
    )
    if spec.color == "gray" and image.ndim == 3:
        image = _gray_part(image, matrix, out)
    elif spec.color == "bgr" and image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop: Image = cv2.warpAffine(image, matrix, (out, out), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if multiple > 1:
        crop = cv2.resize(crop, (spec.size, spec.size), interpolation=cv2.INTER_AREA)
    return crop


def _gray_part(image: Image, matrix: NDArray[np.float64], out: int) -> Image:
    """The part of a colour picture that the warp reads, in gray; shifts `matrix` to it."""
    corners = matrix[:, :2] @ np.array([[0, out, 0, out], [0, 0, out, out]]) + matrix[:, 2:]
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(corners.min(1)).astype(int) - 1, 0, (width - 1, height - 1)).tolist()
    right, bottom = np.clip(np.ceil(corners.max(1)).astype(int) + 2, (left + 1, top + 1), (width, height)).tolist()
    matrix[:, 2] -= left, top
    gray: Image = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    return gray
