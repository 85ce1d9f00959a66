from datetime import UTC, datetime, timedelta

import pytest

from pipeline.capture.clock import SessionClock

START = datetime(2026, 3, 29, 1, 59, 59, tzinfo=UTC)


class Set:
    """A clock that shows what it is told to."""

    def __init__(self, wall: float, steady: float) -> None:
        self._wall, self._steady = wall, steady

    def wall(self) -> float:
        return self._wall

    def steady(self) -> float:
        return self._steady


def test_a_session_goes_by_the_steady_clock() -> None:
    clock = SessionClock.of(Set(START.timestamp(), 100.0))
    assert clock.at(100.0) == START
    assert clock.at(103.5) == START + timedelta(seconds=3.5)


@pytest.mark.parametrize("ahead", [0.0, 3600.0, -3600.0, 0.5])
def test_what_the_wall_clock_was_set_by(ahead: float) -> None:
    clock = SessionClock.of(Set(START.timestamp(), 100.0))
    assert clock.set_by(Set(START.timestamp() + 20 + ahead, 120.0)) == pytest.approx(ahead, abs=1e-6)
