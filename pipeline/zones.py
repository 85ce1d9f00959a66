"""Zones: parts of a camera's picture, such as a bed or a door. Pure.

A zone may be seen by several cameras, and may change: each entry of the settings holds for one camera, from one moment
of event time to another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from pipeline.settings import ZoneSettings

Point = tuple[float, float]


class Zones:
    """The zones of the settings."""

    def __init__(self, zones: Sequence[ZoneSettings]) -> None:
        self._by_camera: dict[str, list[ZoneSettings]] = defaultdict(list)
        for zone in zones:
            self._by_camera[zone.camera].append(zone)

    def of(self, camera: str, at: datetime) -> list[str]:
        """Names of the zones that the camera looks at, at a moment."""
        return sorted({zone.id for zone in self._by_camera.get(camera, ()) if _holds(zone, at)})

    def at(self, camera: str, at: datetime, point: Point) -> list[str]:
        """Names of those that hold this point of the picture; fractions of its width and height."""
        zones = self._by_camera.get(camera, ())
        return sorted({zone.id for zone in zones if _holds(zone, at) and _inside(point, zone.polygon)})


def _holds(zone: ZoneSettings, at: datetime) -> bool:
    return (zone.since is None or zone.since <= at) and (zone.until is None or at < zone.until)


def _inside(point: Point, polygon: Sequence[Point]) -> bool:
    """By counting the edges that a ray to the right crosses."""
    x, y = point
    inside = False
    for (ax, ay), (bx, by) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            inside = not inside
    return inside
