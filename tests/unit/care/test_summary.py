"""A day adds up, whatever the records say and in whatever order they come."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.care.day import Day, Part
from pipeline.care.figures import Figures
from pipeline.care.summary import DaySummary, Records, summarize
from pipeline.care.timeline import QUIET, Shows, Why
from pipeline.care.usual import Measure
from pipeline.messages import CameraState
from tests.care_days import (
    BERLIN,
    FRIDAY,
    MINUTE,
    QUIET_DAY,
    ROOM,
    SADLY,
    Scene,
    notable_records,
    status,
    window,
    windows,
)

NEXT_MORNING = FRIDAY.end + dt.timedelta(hours=8)


@pytest.fixture(scope="module")
def notable() -> DaySummary:
    return summarize(ROOM, FRIDAY, NEXT_MORNING, notable_records())


def test_a_notable_day(notable: DaySummary) -> None:
    missing = {why: seconds / 60 for why, seconds in notable.whole.missing.items()}
    assert missing == {Why.DOWN: 140, Why.PAUSED: 45, Why.BLIND: 24}
    assert [(s.why, s.detail) for s in notable.missing] == [
        (Why.DOWN, "no answer in 10 s"),
        (Why.PAUSED, "paused by Ada"),
        (Why.BLIND, "covered"),
    ]
    assert [story.rule for story in notable.stories] == ["no-data", "distress"]
    assert [deed.action for deed in notable.deeds] == ["camera.pause", "camera.resume"]
    [finding] = notable.usual.findings
    assert (finding.measure, finding.label, finding.part, finding.more) == (
        Measure.EXPRESSION,
        "sad",
        Part.AFTERNOON,
        True,
    )
    assert not notable.so_far
    assert notable.open_seconds == 0


def test_a_quiet_stretch_was_seen_all_the_time(notable: DaySummary) -> None:
    assert notable.quiet
    for quiet in notable.quiet:
        inside = [s for s in notable.stretches if s.start < quiet.end and s.end > quiet.start]
        assert {s.shows for s in inside} <= QUIET


def test_the_order_of_records_does_not_matter() -> None:
    records = notable_records()
    shuffled = [random.Random(3).sample(part, len(part)) for part in map(list, vars(records).values())]
    again = summarize(ROOM, FRIDAY, NEXT_MORNING, Records(*shuffled))
    assert again == summarize(ROOM, FRIDAY, NEXT_MORNING, records)


def test_records_of_others_change_nothing() -> None:
    records = notable_records()
    other = [w.model_copy(update={"id": "room-13"}) for w in records.windows[-50:]]
    elsewhere = [w.model_copy(update={"site": "house-oak"}) for w in records.windows[-50:]]
    strange = [status(FRIDAY.start, CameraState.DOWN, camera="room-13")]
    mixed = Records(
        [*records.windows, *other, *elsewhere], records.alerts, [*records.statuses, *strange], records.audit
    )
    assert summarize(ROOM, FRIDAY, NEXT_MORNING, mixed) == summarize(ROOM, FRIDAY, NEXT_MORNING, records)


def test_a_day_that_goes_on_is_told_so_far_and_compared_so_far() -> None:
    noon = FRIDAY.start + dt.timedelta(hours=12)
    records = [w for back in FRIDAY.before(6) for w in windows(back, QUIET_DAY, back.date.toordinal())]
    today = [w for w in windows(FRIDAY, QUIET_DAY, 7) if w.end <= noon]
    provisional = [w.model_copy(update={"final": False}) for w in today[-2:]]
    told = summarize(ROOM, FRIDAY, noon, Records([*records, *today[:-2], *provisional]))
    assert told.so_far
    assert told.whole.seconds == 12 * 3600
    assert told.whole.missing == {}
    assert told.open_seconds == 120
    assert told.usual.findings == ()  # twelve hours beside twelve hours


@pytest.mark.parametrize(("date", "hours"), [(dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25)])
def test_days_on_which_the_clock_is_changed(date: dt.date, hours: int) -> None:
    day = Day(date, BERLIN)
    told = summarize(ROOM, day, day.end, Records(list(windows(day, QUIET_DAY, 1))))
    assert told.whole.seconds == hours * 3600
    assert told.whole.missing == {}
    assert len(told.slots) == hours * 4
    assert sum(slot.figures.seconds for slot in told.slots) == hours * 3600


def test_a_day_of_which_nothing_is_known_is_missing_and_not_calm() -> None:
    told = summarize(ROOM, FRIDAY, FRIDAY.end, Records())
    assert told.whole.missing == {Why.UNKNOWN: 24 * 3600}
    assert told.quiet == []
    assert told.whole.seen == 0


def test_a_day_that_has_not_begun_is_refused() -> None:
    with pytest.raises(ValueError, match="has not begun"):
        summarize(ROOM, FRIDAY, FRIDAY.start, Records())


SCENES = st.lists(
    st.builds(
        Scene,
        st.floats(0, 23),
        st.sampled_from([None, SADLY, {"neutral": 0.9, "happy": 0.1}]),
        gone=st.booleans(), covered=st.booleans(), unreadable=st.booleans(),
    ),
    max_size=6,
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(SCENES, st.integers(0, 99), st.integers(1, 23))
def test_every_day_adds_up(scenes: list[Scene], seed: int, hours: int) -> None:
    day = Day(dt.date(2026, 10, 25), BERLIN)
    ordered = (Scene(0), *sorted(scenes, key=lambda scene: scene.hour))
    until = day.start + dt.timedelta(hours=hours)
    told = summarize(ROOM, day, until, Records(list(windows(day, ordered, seed))))
    whole = told.whole
    assert whole.seconds == hours * 3600
    assert sum(whole.shows.values()) == pytest.approx(whole.seconds)
    assert sum(whole.missing.values()) == pytest.approx(whole.shows.get(Shows.MISSING, 0.0))
    assert 0 <= whole.seen + whole.blind <= whole.seconds + 1e-6
    assert sum(slot.figures.seen for slot in told.slots) == pytest.approx(whole.seen)
    assert sum(slot.figures.readings for slot in told.slots) == pytest.approx(whole.readings)
    assert sum(stretch.seconds for stretch in told.stretches) == pytest.approx(whole.seconds)
    shares = [whole.share(label) or 0.0 for label in whole.told]
    assert sum(shares) == pytest.approx(1.0 if whole.readings else 0.0)


SECONDS = st.floats(0.1, 9000)


@given(
    st.dictionaries(st.sampled_from([kind for kind in Shows if kind is not Shows.MISSING]), SECONDS),
    st.dictionaries(st.sampled_from(Why), SECONDS, min_size=1),
    st.floats(0, 1),
)
def test_what_is_told_in_minutes_adds_up(shows: dict[Shows, float], missing: dict[Why, float], coverage: float) -> None:
    away, there = sum(missing.values()), sum(shows.values())
    exact = Figures(away + there, there * coverage, 0.0, {**shows, Shows.MISSING: away}, missing, {})
    told = exact.in_minutes()

    whole = round(told.seconds / 60)
    assert abs(told.seconds - exact.seconds) <= 30
    parts = [*(told.shows[kind] for kind in shows), *told.missing.values()]
    assert sum(round(part / 60) for part in parts) == whole
    assert round(told.seen / 60) + sum(round(part / 60) for part in told.missing.values()) <= whole
    for part, before in zip(parts, [*shows.values(), *missing.values()], strict=True):
        assert part > 0
        assert abs(part - before) < 60


def test_a_zone_seen_by_two_cameras_knows_both() -> None:
    seen = window(FRIDAY.start + 600 * MINUTE, SADLY, cameras={"a": 1.0, "b": 0.5})
    down = [status(FRIDAY.start, CameraState.DOWN, "cut off", camera=camera) for camera in "ab"]
    told = summarize(ROOM, FRIDAY, FRIDAY.end, Records([seen], statuses=down))
    assert {"a", "b"} <= told.place.cameras
    assert told.whole.missing == {Why.DOWN: 24 * 3600 - 60}
