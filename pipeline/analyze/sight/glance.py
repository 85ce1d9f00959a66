"""What one picture shows of the camera itself: light, focus, and a rough drawing of the view. Pure.

Measured on the small picture that faces are looked for in, brought to fixed sizes, so that the figures are the same
for all cameras.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.analyze.image import Image
from pipeline.analyze.opencv import cv2
from pipeline.analyze.readable import LEAST_COARSE, structure

LONGER = 160  # pixels, side of the picture that focus is measured on; 1/4 of 640
VIEW = (48, 36)  # pixels, of the drawing of the view
POINTS = (64, 48)  # single pixels that are kept
SLOPE = 4.0  # gray levels a pixel of VIEW: an edge of that slope counts half
LIGHT, SHADE = 0.95, 0.15  # parts of the picture that are no lighter

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """`light`, `shade`: gray levels that 19 of 20, and 3 of 20, parts of the picture do not exceed.

    `texture`: how much of the picture has edges, 0..1. `sharpness`: deviation of its fine over its coarse structure,
    0.65 and more in focus; None where it has too little structure, or too few pixels. `edges`: (36, 48, 2), slopes to
    the right and downwards with the contrast taken out. `points`: (48, 64) gray, single pixels, with their noise.
    """

    light: float
    shade: float
    texture: float
    sharpness: float | None
    edges: Floats
    points: Image


def glance(image: Image) -> Glance:
    """At a picture, gray or blue first, of any size."""
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    points = cv2.resize(gray, POINTS, interpolation=cv2.INTER_NEAREST)
    height, width = gray.shape
    shrink = LONGER / max(height, width)
    if shrink < 1:
        to = max(1, round(width * shrink)), max(1, round(height * shrink))
        gray = cv2.resize(gray, to, interpolation=cv2.INTER_AREA)
    view = cv2.resize(gray, VIEW, interpolation=cv2.INTER_AREA)
    ranked = np.sort(view, axis=None)
    edges, texture = _edges(view)
    return Glance(
        light=float(ranked[int(LIGHT * (ranked.size - 1))]),
        shade=float(ranked[int(SHADE * (ranked.size - 1))]),
        texture=texture,
        sharpness=_sharpness(gray) if shrink <= 1 else None,
        edges=edges,
        points=points,
    )


def _edges(view: Image) -> tuple[Floats, float]:
    """Slopes with lengths from 0 to 1, so that dimmed light changes little; and their mean length."""
    right, down = (cv2.Sobel(view, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1)))
    slope = cv2.magnitude(right, down)
    damped = slope + SLOPE
    edges = cv2.merge((right / damped, down / damped))
    return edges, float(cv2.mean(slope / damped)[0])


def _sharpness(gray: Image) -> float | None:
    """A ratio, so contrast falls out of it; both bands lie above single pixels, so noise hardly counts as sharpness.

    The same measure as a crop's (readable.sharpness), at the scale of a whole picture; None where there is
    no structure.
    """
    fine, coarse = structure(gray)
    return fine / coarse if coarse >= LEAST_COARSE else None
