"""What a picture is, everywhere in analyze."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(height, width, 3) blue first, or (height, width) gray."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A frame's picture at some scale. `step`: pixels of the captured frame per pixel of `image`, along x and y."""

    image: Image
    step: tuple[float, float]
