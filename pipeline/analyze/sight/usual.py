"""What a camera usually shows: learned slowly, so that what stands still stays and what passes is forgotten. Pure."""

from __future__ import annotations

import numpy as np

from pipeline.analyze.opencv import cv2
from pipeline.analyze.sight.glance import Floats, Glance

MEMORY_SECONDS = 300.0
ENOUGH_SECONDS = 15.0  # of pictures, before anything is compared with them
STEADY = 0.6  # usual likeness: below it the camera shows no one view (it turns, or gives photo after photo)


class Usual:
    """Means over the last minutes. `seconds`: of pictures learned; the first one counts as one."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.texture = 0.0
        self.sharpness: float | None = None
        self._edges: Floats | None = None
        self._likeness = 1.0

    @property
    def known(self) -> bool:
        return self.seconds >= ENOUGH_SECONDS

    @property
    def steady(self) -> bool:
        """Whether it is one view that a picture may be compared with."""
        return self.known and self._likeness >= STEADY

    def likeness(self, glance: Glance) -> float:
        """Correlation of the picture's edges with the usual ones: 1 the same, about 0 another view."""
        if self._edges is None:
            return 1.0
        lengths = float(np.linalg.norm(self._edges)) * float(np.linalg.norm(glance.edges))
        return float(np.vdot(self._edges, glance.edges)) / lengths if lengths else 1.0

    def learn(self, glance: Glance, seconds: float) -> None:
        """`seconds`: since the picture before."""
        if self._edges is None:
            self._edges = glance.edges.copy()
            self.texture, self.sharpness, self.seconds = glance.texture, glance.sharpness, 1.0
            return
        part = seconds / (min(self.seconds, MEMORY_SECONDS) + seconds) if seconds else 0.0
        self._likeness += part * (self.likeness(glance) - self._likeness)
        self.texture += part * (glance.texture - self.texture)
        if glance.sharpness is not None:
            known = glance.sharpness if self.sharpness is None else self.sharpness
            self.sharpness = known + part * (glance.sharpness - known)
        cv2.accumulateWeighted(glance.edges, self._edges, part)
        self.seconds += seconds
