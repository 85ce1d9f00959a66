import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.capture.pace import MediaClock, RateCap, SourceRate


def taken(cap: RateCap, times: list[float], source_fps: float | None = None) -> list[int]:
    return [index for index, time in enumerate(times) if cap.takes(time, source_fps)]


def test_no_cap_takes_all() -> None:
    assert taken(RateCap(None), [0, 0, 0.001]) == [0, 1, 2]


@pytest.mark.parametrize(("cap", "source", "every"), [(10, 30, 3), (5, 30, 6), (30, 30, 1), (60, 30, 1)])
def test_a_cap_takes_every_nth(cap: float, source: float, every: int) -> None:
    times = [index / source for index in range(300)]
    assert taken(RateCap(cap), times, source) == list(range(0, 300, every))


def test_rounded_timestamps_cost_no_frames() -> None:
    times = [round(index / 30, 3) for index in range(300)]  # as Matroska writes them
    assert len(taken(RateCap(10), times, 30)) == 100


def test_a_gap_is_not_made_good_by_a_burst() -> None:
    times = [0.0, 0.1, 0.2] + [10 + index / 30 for index in range(30)]
    assert len([index for index in taken(RateCap(10), times, 30) if index > 2]) in (10, 11)


@given(
    fps=st.floats(0.5, 60), times=st.lists(st.floats(0, 20), min_size=2, max_size=300), source=st.none() | st.just(30.0)
)
def test_the_mean_never_exceeds_the_cap(fps: float, times: list[float], source: float | None) -> None:
    times.sort()
    count = len(taken(RateCap(fps), times, source))
    assert count <= (times[-1] - times[0]) * fps + 2


def test_rate_is_known_after_some_frames_and_survives_losses() -> None:
    rate, time = SourceRate(), 0.0
    for index in range(200):
        time += 0.04 if index % 4 else 0.12  # every fourth interval holds two lost frames
        rate.arrived(time)
        assert (rate.fps is None) == (index < 8)
    assert rate.fps == pytest.approx(25, rel=0.01)


def test_media_time_over_loops() -> None:
    clock = MediaClock()
    first = [clock.time(stamp, 10) for stamp in (0.0, 0.1, 0.2)]
    clock.restart(10)
    second = [clock.time(stamp, 10) for stamp in (0.0, 0.1, 0.2)]
    assert first + second == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_media_time_without_timestamps_comes_from_the_rate() -> None:
    clock = MediaClock()
    assert [clock.time(stamp, 4) for stamp in (0.0, 0.0, math.nan, None)] == [0, 0.25, 0.5, 0.75]


@given(st.lists(st.floats() | st.none(), max_size=50), st.integers(0, 50))
def test_media_time_grows_strictly(stamps: list[float | None], loop_at: int) -> None:
    clock, times = MediaClock(), []
    for index, stamp in enumerate(stamps):
        if index == loop_at:
            clock.restart(25)
        times.append(clock.time(stamp if stamp is None or abs(stamp) < 1e9 else None, 25))
    assert all(a < b for a, b in pairwise(times))
    assert all(math.isfinite(time) for time in times)
