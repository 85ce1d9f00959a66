import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.capture.watchdog import START_SECONDS, Backoff, Watchdog


def watchdog() -> Watchdog:
    return Watchdog(100.0, connect_timeout=10, stall_timeout=5)


def test_the_start_of_the_process_is_no_part_of_connecting() -> None:
    dog = watchdog()
    assert dog.deadline == 100 + START_SECONDS
    dog.alive(104.0)
    assert dog.deadline == 114
    dog.alive(113.0)
    assert dog.expired(114.0)
    assert dog.reason == "no first frame within 10 s"


def test_a_process_that_passes_over_what_was_given_may_take_its_time() -> None:
    dog = Watchdog(100.0, connect_timeout=10, stall_timeout=5, resuming=True)
    dog.alive(101)
    dog.alive(110)
    assert not dog.expired(119.9)
    assert dog.expired(120)


def test_a_stream_that_stops() -> None:
    dog = watchdog()
    dog.alive(101)
    dog.frame(102, fps=30)
    assert not dog.expired(106.9)
    assert dog.expired(107)
    assert dog.reason == "no frame for 5 s"


def test_a_slow_camera_is_no_dead_one() -> None:
    dog = watchdog()
    dog.frame(100, fps=0.2)
    assert not dog.expired(114.9)
    assert dog.expired(115)


def test_signs_of_life_and_our_own_delay_count() -> None:
    dog = watchdog()
    dog.frame(100, fps=None)
    dog.alive(104)
    assert not dog.expired(108)
    dog.held_up(200)
    assert not dog.expired(204)


def test_pauses_double_to_a_limit() -> None:
    backoff = Backoff(0.5, 10)
    assert [backoff.pause(0.0) for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
    backoff.reset()
    assert backoff.pause(0.0) == 0.5


@given(st.floats(0, 1, exclude_max=True))
def test_jitter_shortens_by_up_to_a_half(chance: float) -> None:
    assert 1.0 <= Backoff(2, 10).pause(chance) <= 2.0


@pytest.mark.parametrize("most", [0.1, 3])
def test_the_first_pause_keeps_to_the_limit(most: float) -> None:
    assert Backoff(5, most).pause(0.0) == most
