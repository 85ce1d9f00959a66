"""How frames are spoilt, by degrees. Lengths are given in pixels of a 48 px crop of the staged face."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.analyze.image import Image
from pipeline.analyze.opencv import cv2
from pipeline.bench.faces import FRAME, SIDE, UNCHANGED, ZOOM, Change

Floats = NDArray[np.floating[Any]]

NOISE = 2.0  # gray levels; a camera's, where it has little light
SEED = 2


def noisy(frame: Image | Floats, deviation: float = NOISE) -> Image:
    if not deviation:
        return _bytes(frame)
    return _bytes(frame + np.random.default_rng(SEED).normal(0, deviation, frame.shape))


def blurred(frame: Image, sigma: float, noise: float = 0.0) -> Image:
    return noisy(cv2.GaussianBlur(frame, (0, 0), sigma), noise)


def small(frame: Image, side: float) -> Image:
    """The frame shrunk until the staged picture is `side` pixels."""
    scale = side / (SIDE * ZOOM)
    shrunk: Image = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return shrunk


def darkened(frame: Image, mean: float) -> Image:
    return noisy(frame * (mean / max(float(frame.mean()), 1.0)))


def whitened(frame: Image, part: float) -> Image:
    """So much light that a part of the frame is white."""
    return _bytes(frame * (255 / max(float(np.quantile(frame, 1 - part)), 1.0)))


def flattened(frame: Image, deviation: float) -> Image:
    return noisy((frame - frame.mean()) * (deviation / max(float(frame.std()), 1.0)) + 120)


def moved(frame: Image, right: float, down: float) -> Image:
    shifted: Image = cv2.warpAffine(
        frame, np.array([[1, 0, right], [0, 1, down]], float), FRAME, borderMode=cv2.BORDER_REFLECT_101
    )
    return shifted


def turned(frame: Image, degrees: float) -> Image:
    about = (FRAME[0] - 1) / 2, (FRAME[1] - 1) / 2
    matrix = cv2.getRotationMatrix2D(about, degrees, 1)
    aslant: Image = cv2.warpAffine(frame, matrix, FRAME, borderMode=cv2.BORDER_REPLICATE)
    return aslant


def _bytes(frame: Image | Floats) -> Image:
    return np.clip(np.rint(frame), 0, 255).astype(np.uint8)


def _below(part: float) -> Change:
    down = (FRAME[1] - SIDE * ZOOM) / 2 + part * SIDE * ZOOM
    return Change("cut off below", part, partial(moved, right=0, down=down), (0.5, 0.5 + down / FRAME[1]))


def _aside(part: float) -> Change:
    right = (FRAME[0] - SIDE * ZOOM) / 2 + part * SIDE * ZOOM
    return Change("cut off aside", part, partial(moved, right=right, down=0), (0.5 + right / FRAME[0], 0.5))


CHANGES = (
    UNCHANGED,
    *(Change("blur", s, partial(blurred, sigma=s * ZOOM)) for s in (0.5, 1, 1.5, 2, 2.5, 3, 4)),
    *(Change("blur and noise", s, partial(blurred, sigma=s * ZOOM, noise=8)) for s in (1, 2, 3)),
    *(Change("small", s, partial(small, side=s)) for s in (40, 32, 24, 20, 16, 12)),
    *(Change("dark", m, partial(darkened, mean=m)) for m in (40, 20, 15, 10, 8, 6, 4)),
    *(Change("white", p, partial(whitened, part=p)) for p in (0.2, 0.4, 0.5, 0.6, 0.7, 0.8)),
    *(Change("flat", s, partial(flattened, deviation=s)) for s in (16, 8, 6, 4, 3, 2)),
    *map(_below, (0.1, 0.2, 0.3, 0.4, 0.5)),
    *map(_aside, (0.1, 0.2, 0.3, 0.4, 0.5)),
    *(Change("aslant", a, partial(turned, degrees=a)) for a in (15, 30, 45, 60, 75)),
)
CAMERA_CHANGES = (
    UNCHANGED,
    *(Change("blur, px of the frame", s, partial(blurred, sigma=s)) for s in (1, 2, 3, 5)),
    Change("dark", 10, partial(darkened, mean=10)),
)
