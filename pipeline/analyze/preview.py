"""Previews: what a camera looks at, for those who run it, in which no face can be told. Pure.

Two things hide a face. Faces that were found, in this frame or in those of the seconds before, are filled before
anything else is done. And the whole picture is blurred and cut down to a few values, so that there is nothing to be
seen of a face that was not found either. docs/decisions/0016 has the measurements.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np

from pipeline.analyze.image import Image
from pipeline.analyze.opencv import cv2
from pipeline.errors import BadRecord
from pipeline.messages import Box

FINE = 8  # pixels of a sketch along each cell
BLUR = 1.0  # cells, deviation of the blur
FILL = 128  # gray level
AROUND = (0.3, 0.4)  # parts of a face's width and height that are filled beside it, on each side: hair, ears, chin
REMEMBERED = timedelta(seconds=2)  # for so long the place of a face is filled that is found no more
FRAMES_REMEMBERED = 512
QUALITY = 90


def sketch(image: Image, cells: int) -> Image:
    """A picture, blue first, cut down to what a preview of so many cells along its longer side is made from."""
    height, width = image.shape[:2]
    longer = max(width, height)
    size = [FINE * max(1, round(cells * side / longer)) for side in (width, height)]
    small: Image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return small


def preview(sketched: Image, faces: Iterable[Box]) -> tuple[bytes, int, int]:
    """-> (JPEG, width, height): one pixel a cell. `faces` are filled; so is the sketch."""
    height, width = sketched.shape[:2]
    for face in faces:
        across, down = AROUND[0] * face.width, AROUND[1] * face.height
        left, right = (face.x - across) * width, (face.x + face.width + across) * width
        top, bottom = (face.y - down) * height, (face.y + face.height + down) * height
        rows = slice(max(0, int(np.floor(top))), max(0, int(np.ceil(bottom))))
        columns = slice(max(0, int(np.floor(left))), max(0, int(np.ceil(right))))
        sketched[rows, columns] = FILL
    blurred = cv2.GaussianBlur(sketched, (0, 0), BLUR * FINE, borderType=cv2.BORDER_REPLICATE)
    cells = cv2.resize(blurred, (width // FINE, height // FINE), interpolation=cv2.INTER_AREA)
    good, jpeg = cv2.imencode(".jpg", cells, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not good:
        raise BadRecord("internal", "a preview cannot be written as JPEG")
    return jpeg.tobytes(), cells.shape[1], cells.shape[0]


class Previews:
    """Of one camera: when the next one is due, and where faces were seen of late. `every`: in the camera's time."""

    def __init__(self, every: timedelta) -> None:
        self._every = every
        self._last: datetime | None = None
        self._seen: deque[tuple[datetime, list[Box]]] = deque(maxlen=FRAMES_REMEMBERED)

    def due(self, at: datetime) -> bool:
        """Whether the frame of this moment gets one. A clock that was set back begins anew."""
        if self._last is not None and timedelta(0) <= at - self._last < self._every:
            return False
        self._last = at
        return True

    def saw(self, at: datetime, faces: list[Box]) -> None:
        """The faces of each frame, in the order of the log."""
        self._seen.append((at, faces))
        while abs(at - self._seen[0][0]) > REMEMBERED:
            self._seen.popleft()

    def to_fill(self) -> list[Box]:
        """Faces of the last frame, and of those shortly before."""
        return [face for _, faces in self._seen for face in faces]
