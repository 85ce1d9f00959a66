"""The faces a detector found in one picture, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """N faces, most confident first.

    boxes: (N, 4) x, y of the top left corner, width, height; pixels; a face from forehead to chin, ear to ear.
        May reach over the picture's edge.
    confidence: (N,) 0..1
    landmarks: (N, 5, 2) x, y in pixels: the eye on the left of the picture, the eye on the right, tip of the nose,
        left and right corner of the mouth. None from a detector that knows none.
    """

    boxes: Floats
    confidence: Floats
    landmarks: Floats | None = None

    @classmethod
    def none(cls) -> Self:
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32))

    def __len__(self) -> int:
        return len(self.boxes)

    def scaled(self, step: tuple[float, float]) -> Detections:
        """The same faces in a picture `step` times as wide and high."""
        if step == (1, 1) or not len(self):
            return self
        by = np.array(step, np.float32)
        landmarks = None if self.landmarks is None else self.landmarks * by
        return Detections(self.boxes * np.tile(by, 2), self.confidence, landmarks)
