"""How readable a face's crop is: its sharpness and exposure. Pure.

Measured on the crop, so at the size at which the model sees the face, and the same for every size of a model's crop.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TypedDict

import numpy as np

from pipeline.analyze.image import Image
from pipeline.analyze.opencv import cv2

SIDE = 48  # pixels; crops of another size are measured at this one
WHITE = 250  # gray levels from which on a pixel counts as saturated
SCALES = (1.0, 2.0, 4.0)  # sigmas of the three blurs, pixels
KERNELS = (7, 11, 21)  # pixels, three sigmas of each step to the next blur
LEAST_COARSE = 0.5  # gray levels: with less there is no structure that could be sharp


class Readable(TypedDict):
    """Fields of messages.Quality; see there."""

    blur: float
    sharpness: float
    brightness: float
    contrast: float
    saturated: float


def readable(crop: Image) -> Readable:
    """What a crop, gray or blue first, shows of its own quality; about 0.1 ms."""
    gray = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    mean, deviation = cv2.meanStdDev(gray)
    white = cv2.countNonZero(cv2.compare(gray, WHITE, cv2.CMP_GE))
    return Readable(
        blur=blur(gray),
        sharpness=sharpness(gray),
        brightness=round(float(mean[0, 0]), 1),
        contrast=round(float(deviation[0, 0]), 1),
        saturated=round(white / gray.size, 3),
    )


def sharpness(gray: Image) -> float:
    """Deviation of the fine structure (sigmas 1 to 2, in 48ths of the side) over that of the coarse (2 to 4).

    A ratio, so contrast falls out of it; both bands lie above single pixels, so noise hardly counts as sharpness.
    """
    if gray.shape != (SIDE, SIDE):
        gray = cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    fine, coarse = structure(gray)
    return round(fine / max(coarse, LEAST_COARSE), 3)


def structure(gray: Image, within: Image | None = None) -> tuple[float, float]:
    """Deviation of the fine structure, sigmas of 1 to 2 pixels, and of the coarse, 2 to 4; gray levels.

    `within`: where it counts, else 0.
    """
    sigma, level, levels = 0.0, gray.astype(np.float32), []
    for scale, kernel in zip(SCALES, KERNELS, strict=True):
        level = cv2.GaussianBlur(level, (kernel, kernel), (scale**2 - sigma**2) ** 0.5)
        levels.append(level)
        sigma = scale
    fine, coarse = (float(cv2.meanStdDev(a - b, mask=within)[1][0, 0]) for a, b in pairwise(levels))
    return fine, coarse


def blur(gray: Image) -> float:
    """Variance of the Laplacian, gray levels squared: low is blurred, but also of little contrast, or free of noise."""
    _, deviation = cv2.meanStdDev(cv2.Laplacian(gray, cv2.CV_16S))
    return round(float(deviation[0, 0]) ** 2, 1)
