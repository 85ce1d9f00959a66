"""Zones: what is inside, when, and for which camera."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.settings import ZoneSettings, load
from pipeline.settings.polygon import check_polygon
from pipeline.zones import Zones

AT = datetime(2026, 1, 1, tzinfo=UTC)
HALF = [(0, 0), (0.5, 0), (0.5, 1), (0, 1)]


def zone(**changes: object) -> ZoneSettings:
    return ZoneSettings.model_validate({"id": "bed", "camera": "cam", "polygon": HALF, **changes})


def test_a_zone_holds_points_of_its_camera_alone() -> None:
    zones = Zones([zone(), zone(id="door", polygon=[(0.4, 0.4), (0.9, 0.4), (0.9, 0.9), (0.4, 0.9)])])
    assert zones.at("cam", AT, (0.2, 0.2)) == ["bed"]
    assert zones.at("cam", AT, (0.45, 0.5)) == ["bed", "door"]
    assert zones.at("cam", AT, (0.95, 0.1)) == []
    assert zones.at("other", AT, (0.2, 0.2)) == []
    assert (zones.of("cam", AT), zones.of("other", AT)) == (["bed", "door"], [])


def test_a_zone_that_moved_holds_what_it_held_at_the_time() -> None:
    later = AT + timedelta(hours=1)
    zones = Zones([zone(until=later), zone(since=later, polygon=[(0.5, 0), (1, 0), (1, 1), (0.5, 1)])])
    assert zones.at("cam", AT, (0.2, 0.5)) == ["bed"]
    assert zones.at("cam", later, (0.2, 0.5)) == []
    assert zones.at("cam", later, (0.7, 0.5)) == ["bed"]
    assert Zones([zone(since=later)]).of("cam", AT) == []


CORNERS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=7, unique=True)


def _around(corners: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """In an order in which no edges cross."""
    x, y = np.mean(corners, axis=0)
    return sorted(corners, key=lambda corner: math.atan2(corner[1] - y, corner[0] - x))


@given(CORNERS | CORNERS.map(_around), st.integers(0, 19), st.integers(0, 19))
def test_inside_is_what_a_raster_fills(corners: list[tuple[int, int]], x: int, y: int) -> None:
    """Points between the corners' grid lines, and away from edges, where rasters differ."""
    point = (x + 0.5) / 20, (y + 0.31) / 20
    polygon = [(a / 20, b / 20) for a, b in corners]
    try:
        check_polygon(polygon)
    except ValueError:
        reject()
    scale = 400
    picture = np.zeros((scale, scale), np.uint8)
    cv2.fillPoly(picture, [np.round(np.array(polygon) * (scale - 1)).astype(np.int32)], 1)
    around = picture[
        max(0, round(point[1] * scale) - 5) : round(point[1] * scale) + 5,
        max(0, round(point[0] * scale) - 5) : round(point[0] * scale) + 5,
    ]
    if around.min() == around.max():
        assert Zones([zone(polygon=polygon)]).at("cam", AT, point) == (["bed"] if around.min() else [])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"polygon": [[0, 0], [1, 1]]}, "zones.0.polygon"),
        ({"polygon": [[0, 0], [1, 1], [0, 1.5]]}, "not in the picture"),
        ({"since": "2026-01-01T00:00:00"}, "zones.0.since"),
        ({"id": "a/b"}, "is no name"),
    ],
)
def test_a_wrong_zone_is_named(tmp_path: Path, wrong: dict[str, object], says: str) -> None:
    file = tmp_path / "emostream.yaml"
    entry = {"id": "bed", "camera": "cam", "polygon": [[0, 0], [1, 0], [1, 1]], **wrong}
    file.write_text(f"zones: [{entry}]")
    with pytest.raises(UsageError, match=says):
        load(file)
