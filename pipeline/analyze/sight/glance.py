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
from pipeline.analyze.readable import KERNELS, LEAST_COARSE, structure
from pipeline.analyze.sight.shown import Shown

LONGER = 160  # pixels, side of the picture that focus is measured on; 1/4 of 640
VIEW = (48, 36)  # pixels, of the drawing of the view
POINTS = (64, 48)  # single pixels that are kept
SLOPE = 4.0  # gray levels a pixel of VIEW: an edge of that slope counts half
LIGHT, SHADE = 0.95, 0.15  # parts of the picture that are no lighter
LEAST_SHOWN = 0.02  # part of the picture; of one that shows less, nothing is said

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """`light`, `shade`: gray levels that 19 of 20, and 3 of 20, parts of the picture do not exceed.

    `texture`: how much of the picture has edges, 0..1. `sharpness`: deviation of its fine over its coarse structure,
    0.65 and more in focus; None where it has too little structure, or too few pixels. `edges`: (36, 48, 2), slopes to
    the right and downwards with the contrast taken out; 0 where a mask is. `points`: gray, single pixels with their
    noise, (48, 64), or of those that no mask hides, one after the other.
    """

    light: float
    shade: float
    texture: float
    sharpness: float | None
    edges: Floats
    points: Image


def glance(image: Image, shown: Shown | None = None) -> Glance | None:
    """At a picture, gray or blue first, of any size. `shown`: where it has masks; None when hardly anything is left."""
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    points = cv2.resize(gray, POINTS, interpolation=cv2.INTER_NEAREST)
    height, width = gray.shape
    shrink = LONGER / max(height, width)
    if shrink < 1:
        to = max(1, round(width * shrink)), max(1, round(height * shrink))
        gray = cv2.resize(gray, to, interpolation=cv2.INTER_AREA)
    view = cv2.resize(gray, VIEW, interpolation=cv2.INTER_AREA)
    there = None
    parts = view
    if shown is not None:
        there = shown.at(VIEW, 1)
        parts = view[there > 0]
        if parts.size < LEAST_SHOWN * view.size:
            return None
        points = points[shown.at(POINTS, 1) > 0]
    ranked = np.sort(parts, axis=None)
    edges, texture = _edges(view, there)
    return Glance(
        light=float(ranked[int(LIGHT * (ranked.size - 1))]),
        shade=float(ranked[int(SHADE * (ranked.size - 1))]),
        texture=texture,
        sharpness=_sharpness(gray, shown) if shrink <= 1 else None,
        edges=edges,
        points=points,
    )


def _edges(view: Image, shown: Image | None) -> tuple[Floats, float]:
    """Slopes with lengths from 0 to 1, so that dimmed light changes little; and their mean length where it shows."""
    right, down = (cv2.Sobel(view, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1)))
    slope = cv2.magnitude(right, down)
    damped = slope + SLOPE
    edges = cv2.merge((right / damped, down / damped))
    if shown is not None:
        edges[shown == 0] = 0
    return edges, float(cv2.mean(slope / damped, shown)[0])


def _sharpness(gray: Image, shown: Shown | None) -> float | None:
    """A ratio, so contrast falls out of it; both bands lie above single pixels, so noise hardly counts as sharpness.

    The same measure as a crop's (readable.sharpness), at the scale of a whole picture; None where there is
    no structure.
    """
    fine, coarse = structure(
        gray, None if shown is None else shown.at((gray.shape[1], gray.shape[0]), KERNELS[-1] // 2)
    )
    return fine / coarse if coarse >= LEAST_COARSE else None
