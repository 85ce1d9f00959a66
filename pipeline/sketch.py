"""A picture in which no face can be told: for those who run cameras. Pure.

Two things hide a face. Faces that were found are filled before anything else is done. And the whole picture is blurred
and cut down to a few values, so that there is nothing to be seen of a face that was not found either.
docs/decisions/0016 has the measurements.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pipeline.errors import BadRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipeline.messages import Box

    Image = NDArray[np.uint8]

FINE = 4  # pixels of a sketch along each cell
BLUR = 1.0  # cells, deviation of the blur
FILL = 128  # gray level
AROUND = (0.3, 0.4)  # parts of a face's width and height that are filled beside it, on each side: hair, ears, chin
QUALITY = 90


def sketch(image: Image, cells: int) -> Image:
    """A picture, blue first, cut down to what a preview of so many cells along its longer side is made from."""
    import cv2

    height, width = image.shape[:2]
    longer = max(width, height)
    size = [FINE * max(1, round(cells * side / longer)) for side in (width, height)]
    small: Image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return small


def preview(sketched: Image, faces: Iterable[Box]) -> tuple[bytes, int, int]:
    """-> (JPEG, width, height): one pixel a cell. `faces` are filled; so is the sketch."""
    import cv2
    import numpy as np

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
