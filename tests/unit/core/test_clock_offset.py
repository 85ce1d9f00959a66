"""A clock against Kafka's, by round trips that are made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.kafka.clock import KEPT, TICK, Offsets
from pipeline.messages import ClockOffset

NOW = 1_767_225_600.0  # of Kafka, seconds of Unix time
LEGS = st.floats(0, 5)  # seconds there, or back


def measured(offsets: Offsets, ahead: float, there: float, back: float, at: float = NOW) -> ClockOffset | None:
    """By a clock that is so far ahead: a record is sent at Kafka's time `at`."""
    return offsets.add(at + ahead, at + there + back + ahead, int((at + there) * 1000))


@given(st.floats(-1e4, 1e4), st.lists(st.tuples(LEGS, LEGS), min_size=1, max_size=3 * KEPT))
def test_the_true_offset_is_within_the_uncertainty(ahead: float, trips: list[tuple[float, float]]) -> None:
    offsets = Offsets()
    for number, (there, back) in enumerate(trips):
        told = measured(offsets, ahead, there, back, NOW + 15 * number)
        assert told is not None
        assert abs(told.seconds - ahead) <= told.uncertainty + 1e-6
        shortest = min(sum(legs) for legs in trips[max(0, number + 1 - KEPT) : number + 1])
        assert told.uncertainty == pytest.approx((shortest + TICK) / 2, abs=1e-6)


def test_a_way_there_that_takes_all_the_time_is_not_told_as_an_offset() -> None:
    told = measured(Offsets(), ahead=0.0, there=0.8, back=0.0)
    assert told is not None
    assert (told.seconds, told.uncertainty) == (pytest.approx(-0.4005), pytest.approx(0.4005))


def test_the_best_one_is_forgotten_after_a_while() -> None:
    offsets = Offsets()
    measured(offsets, 0.0, 0.001, 0.001)
    for _ in range(KEPT - 1):
        told = measured(offsets, 0.0, 0.1, 0.1)
        assert told is not None
        assert told.uncertainty < 0.01
    told = measured(offsets, 0.0, 0.1, 0.1)
    assert told is not None
    assert told.uncertainty > 0.1


def test_a_clock_that_is_set_is_told_at_once() -> None:
    offsets = Offsets()
    measured(offsets, 0.0, 0.001, 0.001)
    told = measured(offsets, 30.0, 0.1, 0.3)
    assert told is not None
    assert told.seconds == pytest.approx(30, abs=told.uncertainty)
    assert told.uncertainty == pytest.approx(0.2005)


def test_a_clock_that_is_set_back_during_a_round_trip_tells_nothing() -> None:
    offsets = Offsets()
    assert offsets.add(NOW, NOW - 5, int(NOW * 1000)) is None
    before = measured(offsets, 0.0, 0.01, 0.01)
    assert offsets.add(NOW, NOW - 5, int(NOW * 1000)) == before
