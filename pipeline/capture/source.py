"""The seam to cameras: what every source can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame's pixels, BGR, shape (height, width, 3). `scripted`: the expressions drawn, left to right."""

    image: Image
    scripted: tuple[str, ...] | None = None


class CameraSource(Protocol):
    """A camera, opened once and read frame by frame: `grab` moves on cheaply, `picture` decodes what was grabbed.

    Errors: SourceError, its `permanent` telling whether a new try could help.
    """

    @property
    def fps(self) -> float | None:
        """The source's frame rate, frames/s, as far as known."""

    def open(self) -> None:
        """Opens the source at its beginning. Raises SourceError."""

    def grab(self) -> float | None:
        """Moves to the next frame: its timestamp in seconds from the start (NaN where it has none), or None at
        the end. Raises SourceError when the source broke off."""

    def picture(self) -> Picture | None:
        """The grabbed frame, None when it is damaged."""

    def early_end(self) -> str:
        """After the end: a reason when it came before the source's own length, else nothing."""

    def close(self) -> None:
        """Lets go of the source; it may be opened again."""
