"""Which parts of a picture a camera shows at all: what lies behind a mask tells nothing of its sight. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.analyze.image import Image
from pipeline.analyze.opencv import cv2
from pipeline.masks import KNOWN, Polygons, rectangles

Size = tuple[int, int]  # width, height


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """`masks` of a picture that was captured at `size`, pixels."""

    masks: Polygons
    size: Size

    def at(self, size: Size, margin: int) -> Image:
        """255 where a picture of that size shows something, no nearer than `margin` pixels to a mask; else 0."""
        return _shown(self.masks, self.size, size, margin)


@lru_cache(KNOWN)
def _shown(masks: Polygons, captured: Size, size: Size, margin: int) -> Image:
    hidden: NDArray[np.uint8] = np.zeros(captured[::-1], np.uint8)
    for top, bottom, left, right in rectangles(masks, *captured):
        hidden[top:bottom, left:right] = 255
    there = cv2.resize(hidden, size, interpolation=cv2.INTER_AREA)
    around = cv2.dilate(there, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
    shown: Image = cv2.compare(around, 0, cv2.CMP_EQ)
    return shown
