from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analyze.tracking.smooth import Smoothed, Smoother, strongest, worth
from pipeline.bench.scenes import START
from pipeline.messages import LABELS, Box, Face, ModelRef, Observation, Quality, scores_of

HAPPY = np.eye(7)[LABELS.index("happy")]
SAD = np.eye(7)[LABELS.index("sad")]

vectors = st.lists(st.floats(0.001, 1), min_size=7, max_size=7).map(lambda v: np.array(v) / sum(v))
steps = st.sampled_from([0.0, 1e-6, 0.04, 0.5, 3.0, 1e3, 1e9, -0.5, -1e6])
readings = st.lists(st.tuples(steps, vectors, st.sampled_from([0.0, 0.1, 1.0, 5.0])), min_size=1, max_size=20)


def read(smoother: Smoother, seconds: float, scores: np.ndarray, weight: float = 1.0, track: str = "t") -> np.ndarray:
    return smoother.read(track, scores, START + timedelta(seconds=seconds), weight, ModelRef(name="m"))


@given(readings)
def test_probabilities_stay_a_distribution(readings: list[tuple[float, np.ndarray, float]]) -> None:
    """Whatever the times do, and within what was read."""
    smoother, seconds = Smoother(1.0), 0.0
    for step, scores, weight in readings:
        seconds += min(step, 1e6)
        smoothed = read(smoother, seconds, scores, weight)
        assert smoothed.sum() == pytest.approx(1)
        seen = np.array([scores for _, scores, _ in readings])
        assert (smoothed >= seen.min(0) - 1e-9).all()
        assert (smoothed <= seen.max(0) + 1e-9).all()


@given(st.lists(st.floats(0, 5), min_size=1, max_size=6), vectors, vectors)
def test_time_may_be_cut_into_any_steps(parts: list[float], before: np.ndarray, after: np.ndarray) -> None:
    whole = state = Smoothed(before, 3.0)
    for part in parts:
        state = state.later(part)
    np.testing.assert_allclose(
        state.read(after, 1.0).scores, whole.later(sum(parts)).read(after, 1.0).scores, rtol=1e-9
    )


@given(st.lists(st.tuples(st.floats(0, 9), vectors, st.floats(0.1, 3)), min_size=1, max_size=12), st.floats(0.1, 5))
def test_it_is_the_mean_in_which_a_reading_counts_half_after_a_half_life(
    given_readings: list[tuple[float, np.ndarray, float]], half_life: float
) -> None:
    given_readings.sort(key=lambda reading: reading[0])
    smoother = Smoother(half_life)
    for seconds, scores, weight in given_readings:
        smoothed = read(smoother, seconds, scores, weight)
    last = given_readings[-1][0]
    weights = np.array([weight * 0.5 ** ((last - seconds) / half_life) for seconds, _, weight in given_readings])
    wanted = weights @ np.array([scores for _, scores, _ in given_readings]) / weights.sum()
    np.testing.assert_allclose(smoothed, wanted, atol=1e-5)


@pytest.mark.parametrize("fps", [2, 5, 25])
def test_a_rate_of_frames_is_nothing_to_set(fps: int) -> None:
    """Happy for ten seconds, sad from then on: after one half-life they are level, whatever the rate."""
    smoother = Smoother(2.0)
    for frame in range(10 * fps):
        read(smoother, frame / fps, HAPPY)
    for frame in range(10 * fps, 12 * fps):
        smoothed = read(smoother, frame / fps, SAD)
    assert smoothed @ SAD == pytest.approx(0.5, abs=0.1)


def test_what_is_not_read_stays_and_gives_way_the_more_readily() -> None:
    smoother = Smoother(1.0)
    read(smoother, 0, HAPPY)
    assert smoother.of("t") is not None
    assert smoother.of("other") is None
    assert (smoother.of("t") == HAPPY).all()
    assert read(smoother, 3, SAD) @ SAD == pytest.approx(8 / 9)


def test_tracks_do_not_mix_and_are_forgotten() -> None:
    smoother = Smoother(1.0)
    for k in range(1000):
        assert (read(smoother, 30 * k, HAPPY if k % 2 else SAD, track=f"{k}") == (HAPPY if k % 2 else SAD)).all()
    assert len(smoother._tracks) < 50


def test_a_clock_set_back_makes_no_reading_worthless() -> None:
    smoother = Smoother(1.0)
    read(smoother, 3600, HAPPY)
    for second in range(5):
        smoothed = read(smoother, second, SAD)
    assert smoothed @ SAD > 0.9


def observed(seconds: float, face: Face) -> Observation:
    at = START + timedelta(seconds=seconds)
    return Observation(
        event_id=f"s/c/0/{seconds}", site="s", camera="c", session=0, seq=0, captured_at=at, processed_at=at,
        width=640, height=480, detector=ModelRef(name="d"), model=ModelRef(name="m"), faces=[face],
    )  # fmt: skip


def face(scores: np.ndarray | None, smoothed: np.ndarray, track: str | None = "t") -> Face:
    return Face(
        track_id=track, bbox=Box(x=0, y=0, width=0.1, height=0.1), detection_confidence=0.9,
        quality=Quality(size_px=40), inferred=scores is not None, smoothed=scores_of(smoothed.tolist()),
        scores=None if scores is None else scores_of(scores.tolist()),
    )  # fmt: skip


def test_it_goes_on_elsewhere() -> None:
    here, there, tail = Smoother(1.0), Smoother(1.0), []
    rng, usual = np.random.default_rng(0), worth(Quality(size_px=40))
    for k in range(60):
        scores = rng.dirichlet(np.ones(7)) if k % 3 == 0 else None
        smoothed = here.of("t") if scores is None else read(here, k / 5, scores, usual)
        assert smoothed is not None
        tail.append(observed(k / 5, face(scores, smoothed)))
    there.restore([*tail[-40:], observed(12, face(HAPPY, HAPPY, track=None))])
    restored, known = there.of("t"), here.of("t")
    assert restored is not None
    assert known is not None
    np.testing.assert_allclose(restored, known, atol=1e-4)
    np.testing.assert_allclose(read(there, 12.5, SAD, usual), read(here, 12.5, SAD, usual), atol=1e-3)


def test_how_far_the_strongest_leads() -> None:
    assert strongest(np.array([0.1, 0.5, 0.2, 0.2, 0, 0, 0])) == pytest.approx((0.5, 0.3))
    assert strongest(np.full(7, 1 / 7))[1] == 0


def test_a_sharp_face_counts_for_more() -> None:
    assert worth(Quality(size_px=40, sharpness=0.9)) > 2 * worth(Quality(size_px=40, sharpness=0.7))
    assert worth(Quality(size_px=40)) == pytest.approx(0.8**4)
    assert worth(Quality(size_px=40, sharpness=0.0)) > 0
    assert worth(Quality(size_px=40, sharpness=1.7)) == 1
