"""Parts of a picture, as the settings give them."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated

from pydantic import AfterValidator, Field

Point = tuple[float, float]
CORNERS = 64


def check_polygon(polygon: list[Point]) -> list[Point]:
    """Raises ValueError for corners outside of the picture, and where nobody could say what is inside."""
    for x, y in polygon:
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ValueError(f"the corner {[x, y]} is not in the picture: fractions from 0 to 1, please")
    edges = list(zip(polygon, [*polygon[1:], polygon[0]], strict=True))
    for (a, b), (c, d) in combinations(edges, 2):
        if _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0:
            raise ValueError(f"the edge from {list(a)} to {list(b)} crosses the one from {list(c)} to {list(d)}")
    if abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in edges)) < 1e-9:
        raise ValueError("the corners lie on one line")
    return polygon


def _side(a: Point, b: Point, point: Point) -> float:
    """Above 0 on one side of the line through a and b, below 0 on the other, 0 on it."""
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])


Polygon = Annotated[
    list[Point],
    Field(
        min_length=3, max_length=CORNERS, description="corners [x, y], as fractions of the picture's width and height"
    ),
    AfterValidator(check_polygon),
]
