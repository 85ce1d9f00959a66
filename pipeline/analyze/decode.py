"""Frame bytes -> picture: checked first, then decoded no further than somebody asks for.

Faces are looked for in a small picture, decoded at a half, a quarter or an eighth of its size, which is several
times faster than whole. Faces are cut from it as well, unless they are too small there; then the picture is
decoded once more, finer, and in gray where the model wants gray (a quarter of the time of colour).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.analyze.image import Image, View
from pipeline.analyze.jpeg import size_of
from pipeline.analyze.opencv import cv2
from pipeline.errors import BadRecord
from pipeline.messages import FrameHeader, checksum

Color = Literal["gray", "bgr"]

REDUCTIONS = (8, 4, 2, 1)
FLAGS: dict[tuple[Color, int], int] = {
    ("bgr", 1): cv2.IMREAD_COLOR,
    ("bgr", 2): cv2.IMREAD_REDUCED_COLOR_2,
    ("bgr", 4): cv2.IMREAD_REDUCED_COLOR_4,
    ("bgr", 8): cv2.IMREAD_REDUCED_COLOR_8,
    ("gray", 1): cv2.IMREAD_GRAYSCALE,
    ("gray", 2): cv2.IMREAD_REDUCED_GRAYSCALE_2,
    ("gray", 4): cv2.IMREAD_REDUCED_GRAYSCALE_4,
    ("gray", 8): cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


class Picture:
    """A frame's picture. `width`, `height`: pixels of the captured frame. `small`: colour, for detection.

    Used by one thread at a time.
    """

    __slots__ = ("_jpeg", "_views", "height", "small", "width")

    def __init__(self, jpeg: bytes, width: int, height: int, max_side: int) -> None:
        self._jpeg = jpeg
        self.width = width
        self.height = height
        self._views: dict[tuple[Color, int], Image] = {}
        self.small = self._small(max_side)

    def view(self, step: float, color: Color) -> View:
        """A picture of at most `step` captured pixels per pixel (the whole one if that is impossible).

        Colour may be given where gray is asked for, when it is at hand. Raises BadRecord("decode").
        """
        if max(self.small.step) <= step:
            return self.small
        reduction = next((reduction for reduction in REDUCTIONS if reduction <= step), 1)
        image = self._views.get(("bgr", reduction))
        return View(self._decoded(color, reduction) if image is None else image, (reduction, reduction))

    def _small(self, max_side: int) -> View:
        longer = max(self.width, self.height)
        reduction = next((reduction for reduction in REDUCTIONS if longer >= max_side * reduction), 1)
        image = self._decoded("bgr", reduction)
        height, width = image.shape[:2]
        shrink = max_side / max(width, height)
        if shrink >= 1:
            return View(image, (reduction, reduction))
        to = max(1, round(width * shrink)), max(1, round(height * shrink))
        small = cv2.resize(image, to, interpolation=cv2.INTER_LINEAR)  # shrinks by less than two
        return View(small, (reduction * width / to[0], reduction * height / to[1]))

    def _decoded(self, color: Color, reduction: int) -> Image:
        image = self._views.get((color, reduction))
        if image is None:
            image = self._views[color, reduction] = _decode(self._jpeg, FLAGS[color, reduction])
            height, width = -(-self.height // reduction), -(-self.width // reduction)
            if image.shape[:2] != (height, width):
                raise BadRecord("decode", f"decoded to {image.shape[1]}x{image.shape[0]}, not {width}x{height}")
        return image


@dataclass(frozen=True, slots=True)
class Decoder:
    """Opens frames. `max_side`: longer side of the picture for detection, pixels."""

    max_bytes: int
    max_pixels: int
    max_side: int

    def __call__(self, jpeg: bytes, header: FrameHeader) -> Picture:
        """Raises BadRecord with reason "too_large", "empty", "checksum", "not_jpeg", "truncated", "too_many_scans",
        "too_many_pixels", "dimensions" (not what the header says) or "decode".
        """
        if len(jpeg) > self.max_bytes:
            raise BadRecord("too_large", f"{len(jpeg)} bytes, {self.max_bytes} are allowed (analyze.max_frame_bytes)")
        if not jpeg:
            raise BadRecord("empty", "the frame is empty")
        if checksum(jpeg) != header.crc:
            raise BadRecord("checksum", f"crc32 is {checksum(jpeg):08x}, the header says {header.crc:08x}")
        width, height = size_of(jpeg)
        if width * height > self.max_pixels:
            raise BadRecord(
                "too_many_pixels", f"{width}x{height} pixels, {self.max_pixels} are allowed (analyze.max_frame_pixels)"
            )
        if (width, height) != (header.width, header.height):
            raise BadRecord("dimensions", f"{width}x{height} pixels, the header says {header.width}x{header.height}")
        return Picture(jpeg, width, height, self.max_side)


def _decode(jpeg: bytes, flags: int) -> Image:
    try:
        image: Image | None = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise BadRecord("decode", f"OpenCV refuses the JPEG: {error.err}") from None
    if image is None:
        raise BadRecord("decode", "OpenCV cannot decode the JPEG")
    return image
