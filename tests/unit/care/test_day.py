"""Days are the site's own, 23 or 25 hours long where the clock says so."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.care.day import Day, Part

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Havana",
        "Africa/Cairo",
        "Asia/Kolkata",
    ]
).map(ZoneInfo)
DATES = st.dates(dt.date(2024, 1, 1), dt.date(2029, 12, 31))


@pytest.mark.parametrize(
    ("date", "zone", "hours"),
    [
        (dt.date(2026, 11, 20), BERLIN, 24),
        (dt.date(2026, 3, 29), BERLIN, 23),
        (dt.date(2026, 10, 25), BERLIN, 25),
        (dt.date(2026, 10, 4), ZoneInfo("Australia/Lord_Howe"), 23.5),
        (dt.date(2026, 11, 1), ZoneInfo("America/Havana"), 25),  # midnight comes twice
        (dt.date(2011, 12, 30), ZoneInfo("Pacific/Apia"), 0),  # left out
    ],
)
def test_hours_of_a_day(date: dt.date, zone: ZoneInfo, hours: float) -> None:
    assert Day(date, zone).seconds == hours * 3600


@given(DATES, ZONES)
def test_days_follow_one_another_and_their_parts_make_them_up(date: dt.date, zone: ZoneInfo) -> None:
    day = Day(date, zone)
    assert day.end == Day(date + dt.timedelta(days=1), zone).start
    assert day.before(2)[0].end == day.start
    parts = list(day.parts())
    assert [part for part, _, _ in parts] == list(Part)
    assert [start for _, start, _ in parts] == [day.start, *(end for _, _, end in parts[:-1])]
    assert parts[-1][2] == day.end


@given(DATES, ZONES)
def test_ticks_are_in_order_and_within(date: dt.date, zone: ZoneInfo) -> None:
    day = Day(date, zone)
    ticks = list(day.ticks())
    assert [at for at, _ in ticks] == sorted({at for at, _ in ticks})
    assert all(day.start <= at <= day.end for at, _ in ticks)
    assert all(text in {"0", "3", "6", "9", "12", "15", "18", "21", "24"} for _, text in ticks)
    assert len(ticks) >= 8


def test_the_clock_tells_which_of_two_equal_times_is_meant() -> None:
    day = Day(dt.date(2026, 10, 25), BERLIN)
    first, second = (day.start + dt.timedelta(hours=hours) for hours in (2.5, 3.5))
    assert (day.clock(first), day.clock(second)) == ("02:30 CEST", "02:30 CET")
    assert day.clock(day.start + dt.timedelta(hours=12)) == "11:00"


def test_the_clock_on_other_days_names_them() -> None:
    day = Day(dt.date(2026, 11, 20), BERLIN)
    assert (day.clock(day.start), day.clock(day.end)) == ("00:00", "24:00")
    assert day.clock(day.end + dt.timedelta(minutes=5)) == "21.11. 00:05"
