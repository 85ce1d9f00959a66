"""Soft-edged drawing on a float picture: filled curves, strokes and glows. Each works only on the part it covers."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.capture.source import Image

Color = tuple[int, int, int]
Floats = npt.NDArray[np.float32]
Points = Floats  # shape (n, 2): x, y
Part = tuple[slice, slice]  # rows, columns
_SHIFT = 4  # sub-pixel bits of OpenCV's drawing functions


class Canvas:
    """Colour and cover, floats; nothing is drawn at first. Every method draws over what is there.

    Lengths are given in units of the drawing, `width` x `height` of them; `scale` is the pixels of one unit.
    """

    def __init__(self, width: float, height: float, scale: float = 1.0) -> None:
        self.scale = scale
        self.width, self.height = max(1, round(width * scale)), max(1, round(height * scale))
        self.color: Floats = np.zeros((self.height, self.width, 3), np.float32)
        self.cover: Floats = self.field()

    def field(self) -> Floats:
        """One number a pixel, 0 at first: shape (height, width)."""
        return np.zeros((self.height, self.width), np.float32)

    def grid(self) -> tuple[Floats, Floats]:
        """x, shape (1, width), and y, shape (height, 1), of the pixels."""
        x, y = np.arange(self.width, dtype=np.float32), np.arange(self.height, dtype=np.float32)
        return x[None, :] / self.scale, y[:, None] / self.scale

    def add_hill(self, field: Floats, x: float, y: float, sx: float, sy: float, *, height: float) -> None:
        """Adds a Gaussian hill to a field: its centre and its widths."""
        part, hill = self._hill(x, y, sx, sy)
        field[part] += hill * np.float32(height)

    def mask(self, points: Points, soft: float) -> Floats:
        """1 inside the outline, 0 outside, with an edge of about `soft`; shape (height, width)."""
        whole = self.field()
        part, mask = self._filled(points, soft)
        whole[part] = mask
        return whole

    def fill(
        self, points: Points, color: Color | Floats, *, soft: float, within: Floats | None = None, strength: float = 1.0
    ) -> None:
        """`color`: one, or one a pixel with shape (height, width, 3). `within`: a mask it stays inside."""
        part, mask = self._filled(points, soft)
        self._paint(part, mask * strength if within is None else mask * within[part] * strength, color)

    def stroke(self, points: Points, color: Color, width: float, *, soft: float, strength: float = 1.0) -> None:
        pixels, thick = points * self.scale, width * self.scale
        part, mask = self._blank(pixels, soft, thick)
        cv2.polylines(mask, [_fixed(pixels, part)], False, 255, max(1, round(thick)), cv2.LINE_AA, _SHIFT)
        self._paint(part, self._soft(mask, soft) * (strength * min(1.0, thick)), color)

    def ellipse(
        self, centre: tuple[float, float], axes: tuple[float, float], color: Color, *, soft: float,
        within: Floats | None = None, strength: float = 1.0,
    ) -> None:  # fmt: skip
        """`axes`: half its width, half its height."""
        angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        points = np.stack([centre[0] + axes[0] * np.cos(angle), centre[1] + axes[1] * np.sin(angle)], axis=1)
        self.fill(points.astype(np.float32), color, soft=soft, within=within, strength=strength)

    def glow(self, x: float, y: float, sx: float, sy: float, *, color: Color, strength: float) -> None:
        """Tints what is drawn already, as a Gaussian hill; the cover stays."""
        part, hill = self._hill(x, y, sx, sy)
        self._tint(part, hill * np.float32(strength), np.asarray(color, np.float32))

    def bgra(self) -> Image:
        picture = np.dstack([self.color, self.cover * 255])
        return np.clip(picture + 0.5, 0, 255).astype(np.uint8)

    def _filled(self, points: Points, soft: float) -> tuple[Part, Floats]:
        pixels = points * self.scale
        part, mask = self._blank(pixels, soft, 0)
        cv2.fillPoly(mask, [_fixed(pixels, part)], 255, cv2.LINE_AA, _SHIFT)
        return part, self._soft(mask, soft)

    def _blank(self, pixels: Points, soft: float, thick: float) -> tuple[Part, Image]:
        """The part of the canvas that a shape touches, and an empty mask for it."""
        pad = int(3 * soft * self.scale + thick + 3)
        (left, top), (right, bottom) = pixels.min(axis=0).astype(int) - pad, pixels.max(axis=0).astype(int) + pad + 1
        rows = slice(min(max(0, int(top)), self.height - 1), max(1, min(int(bottom), self.height)))
        columns = slice(min(max(0, int(left)), self.width - 1), max(1, min(int(right), self.width)))
        return (rows, columns), np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)

    def _soft(self, mask: Image, soft: float) -> Floats:
        smooth = mask.astype(np.float32) / 255
        return np.asarray(cv2.GaussianBlur(smooth, (0, 0), max(0.3, soft * self.scale)), np.float32)

    def _hill(self, x: float, y: float, sx: float, sy: float) -> tuple[Part, Floats]:
        x, y, sx, sy = x * self.scale, y * self.scale, sx * self.scale, sy * self.scale
        rows = slice(max(0, int(y - 3.5 * sy)), min(self.height, int(y + 3.5 * sy) + 1))
        columns = slice(max(0, int(x - 3.5 * sx)), min(self.width, int(x + 3.5 * sx) + 1))
        across = np.exp(-0.5 * ((np.arange(columns.start, columns.stop, dtype=np.float32) - x) / sx) ** 2)
        down = np.exp(-0.5 * ((np.arange(rows.start, rows.stop, dtype=np.float32) - y) / sy) ** 2)
        return (rows, columns), down[:, None] * across[None, :]

    def _paint(self, part: Part, mask: Floats, color: Color | Floats) -> None:
        paint = np.asarray(color, np.float32) if isinstance(color, tuple) else color[part]
        self._tint(part, mask, paint)
        np.maximum(self.cover[part], mask, out=self.cover[part])

    def _tint(self, part: Part, mask: Floats, paint: Floats) -> None:
        self.color[part] += (paint - self.color[part]) * mask[..., None]


def curve(points: Sequence[tuple[float, float]], closed: bool = False, steps: int = 8) -> Points:
    """A smooth line (Catmull-Rom) through the points."""
    p = np.asarray(points, np.float32)
    padded = np.vstack([p[-1:], p, p[:2]]) if closed else np.vstack([p[:1], p, p[-1:]])
    a, b, c, d = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    line = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    line = line.reshape(-1, 2)
    return np.asarray(line if closed else np.vstack([line, p[-1:]]), np.float32)


def mix(color: Color, other: Color, part: float) -> Color:
    """`part` 0 is `color`, 1 `other`."""
    a, b, c = (round(mine + (theirs - mine) * part) for mine, theirs in zip(color, other, strict=True))
    return a, b, c


def _fixed(pixels: Points, part: Part) -> npt.NDArray[np.int32]:
    start = np.asarray([part[1].start, part[0].start], np.float32)
    return np.round((pixels - start) * (1 << _SHIFT)).astype(np.int32)
