"""Poorer pictures of the same faces: what cameras, light, heads and hands do to them.

Each is applied to the crop, uint8 (N, side, side), as the pipeline would hand it to the model. Lengths
are in px of a crop of 48 and grow with it. What is random is drawn from the generator given, so that
one seed gives one set of pictures, however they are batched.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Condition = Callable[[Pixels, np.random.Generator], Pixels]

SIDE = 48
DARK_NOISE = 3.0  # gray levels, of 64: a sensor with its gain up
COVER = 128  # gray of what covers a face
# Parts of the crop, from the landmarks in a model's `crop`: the eyes lie at 0.39, the mouth at 0.75.
EYES = (slice(0.28, 0.50), slice(0.12, 0.88))
LOWER_THIRD = (slice(2 / 3, 1.0), slice(0.0, 1.0))


def far(px: int) -> Condition:
    """A face of so many pixels in the frame, enlarged as the pipeline does; a smaller crop stays."""
    return lambda pixels, random: _each(pixels, lambda face: _shrunk(face, px))


def blurred(sigma: float) -> Condition:
    """Out of focus: a Gaussian of `sigma` px."""
    return lambda pixels, random: _each(
        pixels, lambda face: cv2.GaussianBlur(face, (0, 0), sigma * len(face) / SIDE, borderType=cv2.BORDER_REPLICATE)
    )


def motion_blurred(px: float) -> Condition:
    """Moved sideways by so many px while the shutter was open."""

    def change(face: Pixels) -> Pixels:
        length = max(1, round(px * len(face) / SIDE))
        kernel = np.full((1, length), 1 / length, np.float32)
        return _uint8(cv2.filter2D(face, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE))

    return lambda pixels, random: _each(pixels, change)


def dark(gain: float) -> Condition:
    """Too little light: fewer gray levels, and the sensor's noise."""
    return lambda pixels, random: _uint8(pixels * gain + random.normal(0, DARK_NOISE, pixels.shape))


def bright(gain: float) -> Condition:
    """Too much light: burnt out."""
    return lambda pixels, random: _uint8(pixels * gain)


def flat(contrast: float) -> Condition:
    """Haze, or a lamp behind: gray levels drawn together about the middle."""
    return lambda pixels, random: _uint8((pixels - 127.5) * contrast + 127.5)


def turned(degrees: float) -> Condition:
    """A head on one side, to either at random."""

    def change(pixels: Pixels, random: np.random.Generator) -> Pixels:
        signs = np.where(random.random(len(pixels)) < 0.5, -1.0, 1.0)
        return np.stack([_rotated(face, sign * degrees) for face, sign in zip(pixels, signs, strict=True)])

    return change


def covered(part: tuple[slice, slice]) -> Condition:
    """Something plain before a part of the face: a mask, dark glasses."""

    def change(pixels: Pixels, random: np.random.Generator) -> Pixels:
        side, found = pixels.shape[1], pixels.copy()
        rows, columns = (slice(round(edge.start * side), round(edge.stop * side)) for edge in part)
        found[:, rows, columns] = COVER
        return found

    return change


def compressed(quality: int) -> Condition:
    """The crop as a JPEG of that quality."""

    def change(face: Pixels) -> Pixels:
        _, data = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)

    return lambda pixels, random: _each(pixels, change)


CONDITIONS: dict[str, Condition] = {
    "face_48_px": far(48),
    "face_32_px": far(32),
    "face_24_px": far(24),
    "face_16_px": far(16),
    "blur_1_px": blurred(1),
    "blur_2_px": blurred(2),
    "motion_blur": motion_blurred(7),
    "dark": dark(0.25),
    "over_exposed": bright(2.5),
    "low_contrast": flat(0.2),
    "rotation_15": turned(15),
    "rotation_30": turned(30),
    "lower_third_covered": covered(LOWER_THIRD),
    "eyes_covered": covered(EYES),
    "jpeg_30": compressed(30),
}


def _each(pixels: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    return np.stack([change(face) for face in pixels])


def _shrunk(face: Pixels, px: int) -> Pixels:
    side = len(face)
    if px >= side:
        return face
    small = cv2.resize(face, (px, px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def _rotated(face: Pixels, degrees: float) -> Pixels:
    middle = (len(face) - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, 1.0)
    found = cv2.warpAffine(face, matrix, face.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.uint8)


def _uint8(values: NDArray[np.floating]) -> Pixels:
    found: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return found
