"""What a minute shows, and why nothing where nothing was seen."""

from __future__ import annotations

import datetime as dt
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.care.timeline import Shows, States, Stretch, Tile, Why, stretches, timeline
from pipeline.messages import CameraState, FrameCounts, Window
from tests.care_days import EXPECTED, MINUTE, ROOM, SADLY, status, window

START = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
UP = status(START - MINUTE, CameraState.UP)


def one(shown: Window | None, *statuses: object) -> Tile:
    """What the first minute shows."""
    [tile] = timeline(ROOM, [shown] if shown else [], States(statuses), START, START + MINUTE)  # type: ignore[arg-type]
    return tile


@pytest.mark.parametrize(
    ("shown", "shows"),
    [
        (window(START, SADLY), Shows.EXPRESSIONS),
        (window(START, {"neutral": 0.9, "sad": 0.1}), Shows.CALM),
        (window(START), Shows.NOBODY),
        (window(START, n_face_frames=50, n_abstained=50), Shows.UNREADABLE),
        (window(START, suppressed=True), Shows.WITHHELD),
        (window(START, coverage=0.49), Shows.MISSING),
        (window(START, coverage=0.0, suppressed=True), Shows.MISSING),
    ],
)
def test_what_a_minute_shows(shown: Window, shows: Shows) -> None:
    assert one(shown, UP).shows is shows


def test_withheld_figures_are_not_told() -> None:
    assert one(window(START, SADLY, suppressed=True)).told is None


@pytest.mark.parametrize(
    ("shown", "told", "why", "detail"),
    [
        (None, None, Why.UNKNOWN, ""),
        (None, UP, Why.SILENT, ""),
        (None, status(START - MINUTE, CameraState.DOWN, "no answer"), Why.DOWN, "no answer"),
        (None, status(START - MINUTE, CameraState.CONNECTING), Why.SILENT, ""),
        (None, status(START - MINUTE, CameraState.FAILED, "no such stream"), Why.DOWN, "no such stream"),
        (None, status(START - MINUTE, CameraState.STOPPED, "paused by Ada"), Why.PAUSED, "paused by Ada"),
        (None, status(START - MINUTE, CameraState.STOPPED, "removed"), Why.STOPPED, "removed"),
        (None, status(START - MINUTE, CameraState.ENDED), Why.STOPPED, ""),
        (window(START, coverage=None), UP, Why.NOT_EXPECTED, ""),
        (window(START, coverage=0.0), UP, Why.SILENT, ""),
        (window(START, coverage=0.0), status(START - MINUTE, CameraState.DOWN, "cut off"), Why.DOWN, "cut off"),
        (window(START, blind=1.0, blind_cameras={"room-12": "dark"}), UP, Why.BLIND, "dark"),
        (
            window(START, coverage=0.1, frames=FrameCounts(expected=EXPECTED, observed=30, dropped={"expired": 260})),
            UP, Why.LOST, "expired",
        ),
        (
            window(START, coverage=0.0, frames=FrameCounts(expected=EXPECTED, dead_lettered=300)),
            UP, Why.LOST, "unreadable",
        ),
    ],
)  # fmt: skip
def test_why_nothing_was_seen(shown: Window | None, told: object, why: Why, detail: str) -> None:
    tile = one(shown, *([told] if told else []))
    assert (tile.shows, tile.why, tile.detail) == (Shows.MISSING, why, detail)


def test_of_two_cameras_what_is_wrong_is_told_first() -> None:
    both = (
        status(START - MINUTE, CameraState.STOPPED, "paused", camera="a"),
        status(START, CameraState.DOWN, camera="b"),
    )
    place = type(ROOM)(ROOM.site, ROOM.scope, ROOM.id, frozenset({"a", "b"}))
    [tile] = timeline(place, [], States(both), START, START + MINUTE)
    assert tile.why is Why.DOWN


def test_a_state_holds_from_when_it_was_told() -> None:
    down = status(START + 2.4 * MINUTE, CameraState.DOWN, "cut off")
    shown = [window(START + number * MINUTE, coverage=coverage) for number, coverage in enumerate((1, 1, 0.4, 0, 0))]
    tiles = timeline(ROOM, shown, States([UP, down]), START, START + 5 * MINUTE)
    assert [tile.why for tile in tiles] == [None, None, Why.DOWN, Why.DOWN, Why.DOWN]


def test_the_newest_revision_counts_in_whatever_order() -> None:
    revisions = [window(START, SADLY, revision=number, n_told=number, final=number == 3) for number in range(4)]
    random.Random(1).shuffle(revisions)
    [tile] = timeline(ROOM, revisions, States([]), START, START + MINUTE)
    assert tile.final
    assert sum((tile.told or {}).values()) == pytest.approx(3)


def test_overlapping_windows_are_counted_once() -> None:
    long = [window(START + n * MINUTE, SADLY, spec="300s/60s", end=START + (n + 5) * MINUTE) for n in range(20)]
    tiles = timeline(ROOM, long, States([]), START, START + 20 * MINUTE)
    assert [tile.seconds for tile in tiles] == [300.0] * 4
    shortest = timeline(ROOM, [*long, window(START, SADLY)], States([]), START, START + 2 * MINUTE)
    assert [tile.shows for tile in shortest] == [Shows.EXPRESSIONS, Shows.MISSING]


def test_a_window_over_the_days_edge_is_cut_with_its_readings() -> None:
    hour = window(START, SADLY, spec="3600s", end=START + 60 * MINUTE)
    [tile] = timeline(ROOM, [hour], States([]), START + 45 * MINUTE, START + 60 * MINUTE)
    assert tile.seconds == 15 * 60
    assert sum((tile.told or {}).values()) == pytest.approx(200 / 4)


SHOWN = st.lists(
    st.tuples(st.integers(-30, 90), st.integers(0, 2), st.sampled_from([None, 0.0, 0.3, 1.0]), st.booleans()),
    max_size=60,
)


@given(SHOWN, st.integers(0, 30), st.integers(1, 60))
def test_the_tiles_are_the_time_without_gap_or_overlap(
    shown: list[tuple[int, int, float | None, bool]], offset: int, minutes: int
) -> None:
    windows = [
        window(START + n * MINUTE, SADLY if faces else None, revision=revision, coverage=coverage)
        for n, revision, coverage, faces in shown
    ]
    start, end = START + offset * MINUTE / 2, START + (offset + minutes) * MINUTE
    tiles = timeline(ROOM, windows, States([UP]), start, end)
    assert tiles[0].start == start
    assert tiles[-1].end == end
    assert all(left.end == right.start for left, right in pairwise(tiles))
    assert all(tile.seconds > 0 and (tile.why is not None) == (tile.shows is Shows.MISSING) for tile in tiles)
    joined = stretches(tiles)
    assert sum(stretch.seconds for stretch in joined) == sum(tile.seconds for tile in tiles)
    assert all(_kind(left) != _kind(right) for left, right in pairwise(joined))


def _kind(stretch: Stretch) -> tuple[object, ...]:
    return stretch.shows, stretch.why, stretch.detail
