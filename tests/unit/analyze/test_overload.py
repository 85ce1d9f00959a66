"""What is given up while analyzers are behind: in the stated order, and no longer than needed."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.analyze.overload import (
    DROP,
    EVEN_READINGS,
    FEWER_READINGS,
    HALF_FRAMES,
    LEAST_LEVEL,
    LEVEL,
    LONGER,
    LOWER,
    NO_PREVIEWS,
    STEPS,
    Overload,
)
from pipeline.messages import FrameHeader, FrameId
from pipeline.settings import OverloadSettings

ALL = OverloadSettings(
    no_previews_seconds=5, even_readings_seconds=7, half_frames_seconds=10, fewer_readings_seconds=20, drop_seconds=40
)
AGES = st.floats(0, 1000)


def frame(seq: int, live: bool = True) -> FrameHeader:
    return FrameHeader(FrameId("site", "cam", 1, seq), datetime(2026, 1, 1, tzinfo=UTC), 160, 120, 0, live=live)


def behind(*ages: float, settings: OverloadSettings = ALL) -> Overload:
    """After one judgement for each of these."""
    overload = Overload(settings)
    for age in ages:
        overload.read(age)
        overload.judge(idle=False)
    return overload


@pytest.mark.parametrize(
    ("age", "taken"),
    [
        (4.9, ()),
        (5, (NO_PREVIEWS,)),
        (7, (NO_PREVIEWS, EVEN_READINGS)),
        (10, (NO_PREVIEWS, EVEN_READINGS, HALF_FRAMES)),
        (25, (NO_PREVIEWS, EVEN_READINGS, HALF_FRAMES, FEWER_READINGS)),
        (40, STEPS),
    ],
)
def test_later_steps_need_longer_waits(age: float, taken: tuple[str, ...]) -> None:
    assert behind(age).taken == taken


def test_a_step_is_taken_back_at_half_its_bound() -> None:
    assert behind(40, 20.1).taken == STEPS
    assert behind(40, 20).taken == STEPS[:4]
    assert behind(40, 20, 2.5).taken == ()


@given(st.lists(AGES, min_size=1, max_size=30))
def test_steps_are_always_the_first_few(ages: list[float]) -> None:
    taken = behind(*ages).taken
    assert taken == STEPS[: len(taken)]


@given(st.lists(AGES, max_size=20), AGES, st.integers(0, 100))
def test_nothing_is_dropped_of_what_can_wait(ages: list[float], age: float, seq: int) -> None:
    assert not behind(*ages).dropped(frame(seq, live=False), age)


@given(st.lists(AGES, max_size=20), AGES, st.integers(0, 100))
def test_by_default_nothing_is_dropped_at_all(ages: list[float], age: float, seq: int) -> None:
    assert not behind(*ages, settings=OverloadSettings()).dropped(frame(seq), age)


def test_while_reading_pauses_all_stays_as_it_was() -> None:
    overload = behind(50)
    overload.judge(idle=False)
    assert overload.taken == STEPS
    overload.judge(idle=True)
    assert overload.taken == ()


def test_what_is_dropped_has_a_reason() -> None:
    halved, late = behind(15), behind(50)
    assert [halved.dropped(frame(seq), 15) for seq in range(4)] == ["", "thinned", "", "thinned"]
    assert [late.dropped(frame(seq), 39) for seq in range(2)] == ["", "thinned"]  # these two came in time
    assert [late.dropped(frame(seq), 41) for seq in range(2)] == ["overload", "overload"]


def test_readings_hold_longer() -> None:
    assert behind(1).hold == 1
    assert behind(30).hold == LONGER


def test_the_level_falls_until_frames_wait_less_and_is_gone_with_its_step() -> None:
    assert behind(6).level(live=True) == math.inf
    assert behind(7).level(live=True) == LEVEL
    assert behind(7, 8, 8).level(live=True) == pytest.approx(LEVEL * LOWER**2)
    assert behind(7, 8, 7.9, 7.8).level(live=True) == pytest.approx(LEVEL * LOWER)
    assert behind(7, 8, 3).level(live=True) == math.inf
    assert behind(*[50] * 100).level(live=True) == LEAST_LEVEL
    assert behind(*[50] * 100).level(live=False) == math.inf


def test_steps_in_another_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="drop_seconds \\(5\\) comes before even_readings_seconds \\(10\\)"):
        OverloadSettings(drop_seconds=5, fewer_readings_seconds=None)
    assert DROP not in behind(1000, settings=OverloadSettings()).taken
