"""What a chart is drawn with: boxes, lines and text, the same for every form of the report. Pure.

Units are pixels of a picture so wide as the chart says, from its upper left corner.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

HATCH_GAP = 4.0
HATCH_WIDTH = 0.7


class Ink(StrEnum):
    """Colours, told apart in grey as well."""

    TEXT = "#1d2733"
    MUTED = "#55636f"
    FAINT = "#dfe4e8"
    BAND = "#f3f5f7"
    HATCH = "#c6ced4"
    CALM = "#a9bccd"
    FULL = "#2f5f8a"
    NOTED = "#b4491d"
    PAPER = "#ffffff"


@dataclass(frozen=True)
class Box:
    """Filled, or with an outline, or both."""

    x: float
    y: float
    width: float
    height: float
    fill: Ink | None = None
    outline: Ink | None = None


@dataclass(frozen=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    ink: Ink
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True)
class Text:
    """`y`: of the base line."""

    x: float
    y: float
    text: str
    size: float
    ink: Ink = Ink.TEXT
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


Mark = Box | Line | Text


@dataclass(frozen=True)
class Chart:
    """`title`: what it shows, for those who cannot see it."""

    width: float
    height: float
    title: str
    marks: tuple[Mark, ...]


def hatched(x: float, y: float, width: float, height: float, ink: Ink, falling: bool = False) -> Iterator[Line]:
    """Slanted lines that fill a box."""
    offset = HATCH_GAP / 2
    while offset < width + height:
        low, high = max(0.0, offset - height), min(width, offset)
        x1, y1 = x + low, y + offset - low
        x2, y2 = x + high, y + offset - high
        if falling:
            y1, y2 = 2 * y + height - y1, 2 * y + height - y2
        yield Line(x1, y1, x2, y2, ink, HATCH_WIDTH)
        offset += HATCH_GAP
