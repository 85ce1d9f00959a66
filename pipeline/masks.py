"""Masks: parts of a camera's picture that nobody is to see. Pure.

Capture blackens them before it writes a JPEG; analyze leaves them out when it judges what a camera sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

Polygons = tuple[tuple[tuple[float, float], ...], ...]
"""Corners as fractions of the picture's width and height."""

BLOCK = 16  # pixels, side of the squares that a JPEG with colour at half the resolution is coded in, each by itself
BORDER = 2  # pixels around a polygon: a decoder smooths colour over the edges of blocks, one pixel far
KNOWN = 256  # masks of one size that are remembered
_SHIFT = 8  # bits of a pixel's fractions, for cv2


def polygons(masks: Sequence[Sequence[Sequence[float]]]) -> Polygons:
    """Masks as the settings, or JSON, give them."""
    return tuple(tuple((x, y) for x, y in polygon) for polygon in masks)


def blacken(image: Image, masks: Polygons) -> None:
    """In place. Whole JPEG blocks, so that no block that shows something has anything in it from behind a mask."""
    height, width = image.shape[:2]
    for top, bottom, left, right in rectangles(masks, width, height) if masks else ():
        image[top:bottom, left:right] = 0


@lru_cache(KNOWN)
def rectangles(masks: Polygons, width: int, height: int) -> list[tuple[int, int, int, int]]:
    """What is black in a picture of `width` x `height` pixels: top, bottom, left, right."""
    import cv2
    import numpy as np

    touched = np.zeros((height, width), np.uint8)
    for polygon in filter(None, masks):
        corners = np.round((np.array(polygon) * (width, height) - 0.5) * 2**_SHIFT).astype(np.int32)
        touched[_encircled(corners, touched.shape)] = 1
        cv2.fillPoly(touched, [corners], 1, shift=_SHIFT)
        cv2.polylines(touched, [corners], True, 1, 2 * BORDER + 1, shift=_SHIFT)
    padded = np.pad(touched, ((0, -height % BLOCK), (0, -width % BLOCK)))
    rows, columns = padded.shape[0] // BLOCK, padded.shape[1] // BLOCK
    blocks = np.asarray(padded.reshape(rows, BLOCK, columns, BLOCK).max((1, 3)) > 0)
    return [
        (row * BLOCK, (row + 1) * BLOCK, first * BLOCK, last * BLOCK)
        for row, line in enumerate(blocks.tolist())
        for first, last in _runs(line)
    ]


def _encircled(corners: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels that the polygon goes round, also those that it goes round twice: cv2 takes these to be outside.

    A fan of triangles from its first corner, each counted in the sense that it turns.
    """
    import cv2
    import numpy as np

    turns = np.zeros(shape, np.int16)
    first = corners[0].astype(np.int64)
    for triangle in pairwise(corners[1:]):
        once = np.zeros(shape, np.uint8)
        cv2.fillConvexPoly(once, np.array([corners[0], *triangle]), 1, shift=_SHIFT)
        (ax, ay), (bx, by) = (corner - first for corner in triangle)
        turns += once * np.sign(ax * by - bx * ay).astype(np.int16)
    return np.asarray(turns != 0)


def _runs(touched: list[bool]) -> list[tuple[int, int]]:
    """Where it is true: first, and one behind the last."""
    edges = [at for at, (a, b) in enumerate(zip([False, *touched], [*touched, False], strict=True)) if a != b]
    return list(zip(edges[::2], edges[1::2], strict=True))
