"""What every tracker keeps to."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analyze.tracking.tracker import MakeTracker, Tracker, maker
from pipeline.bench.identity import Identity
from pipeline.bench.scenes import START, Script, play

LEFT, RIGHT = (100.0, 100.0, 40.0, 50.0), (300.0, 120.0, 44.0, 54.0)


@pytest.fixture(scope="module", params=["motion", "bytetrack"])
def make(request: pytest.FixtureRequest) -> MakeTracker:
    if request.param == "bytetrack":
        pytest.importorskip("trackforge", reason="the extra bytetrack is not installed")
    return maker(request.param)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def see(tracker: Tracker, seconds: float, *boxes: tuple[float, ...], sure: Sequence[float] = ()) -> list[int | None]:
    n = len(boxes)
    confidence = np.array(sure or [0.9] * n, np.float32)
    return tracker.update(np.array(boxes, np.float32).reshape(n, 4), confidence, at(seconds))


def test_faces_that_stay_keep_their_numbers(make: MakeTracker) -> None:
    tracker = make()
    first = see(tracker, 0, LEFT, RIGHT)
    assert None not in first
    assert len(set(first)) == 2
    for frame in range(1, 30):
        moved = [(x + 2 * frame, y, w, h) for x, y, w, h in (LEFT, RIGHT)]
        assert see(tracker, frame / 10, *moved) == first


def test_the_order_of_the_faces_does_not_matter(make: MakeTracker) -> None:
    tracker = make()
    one, other = see(tracker, 0, LEFT, RIGHT)
    assert see(tracker, 0.1, RIGHT, LEFT) == [other, one]


def test_a_newcomer_has_a_number_from_the_second_time_at_the_latest(make: MakeTracker) -> None:
    tracker = make()
    (known,) = see(tracker, 0, LEFT)
    see(tracker, 0.1, LEFT, RIGHT)
    again, new = see(tracker, 0.2, LEFT, RIGHT)
    assert again == known
    assert new is not None
    assert new != known


def test_a_face_comes_back_after_it_was_not_found(make: MakeTracker) -> None:
    tracker = make()
    for frame in range(5):
        numbers = see(tracker, frame / 10, LEFT, RIGHT)
    for frame in range(5, 10):
        assert see(tracker, frame / 10, LEFT) == numbers[:1]
    assert see(tracker, 1.0, LEFT, RIGHT) == numbers


def test_a_doubtful_face_goes_on_with_a_track_but_begins_none(make: MakeTracker) -> None:
    tracker = make()
    (number,) = see(tracker, 0, LEFT)
    for frame in range(1, 4):
        assert see(tracker, frame / 10, LEFT, RIGHT, sure=(0.9, 0.4)) == [number, None]
    assert see(tracker, 0.4, LEFT, sure=(0.4,)) == [number]


def test_an_empty_frame_is_a_frame(make: MakeTracker) -> None:
    tracker = make()
    assert see(tracker, 0) == []
    numbers = see(tracker, 0.1, LEFT)
    assert see(tracker, 0.2) == []
    assert see(tracker, 0.3, LEFT) == numbers or numbers == [None]


def test_cameras_know_nothing_of_each_other(make: MakeTracker) -> None:
    one, other = make(), make()
    numbers = see(one, 0, LEFT, RIGHT)
    for frame in range(30):
        see(other, frame / 10, *[(20.0 * frame + 5 * k, 300.0, 30.0, 40.0) for k in range(frame % 5)])
    assert see(one, 0.1, LEFT, RIGHT) == numbers


def test_who_is_gone_is_never_taken_up_by_another(make: MakeTracker) -> None:
    tracker = make()
    given: set[int | None] = set()
    for visit in range(20):
        place = (40.0 * (visit % 10), 100.0 + 200 * (visit % 2), 30.0, 40.0)
        for frame in range(3):
            (number,) = see(tracker, 20 * visit + frame / 10, place)
        assert number is not None
        assert number not in given
        given.add(number)
        for frame in range(50):
            see(tracker, 20 * visit + 1 + frame / 10)


numbers = st.floats(-1e4, 1e4, width=32)
sides = st.floats(0, 1e4, width=32)
frame = st.tuples(
    st.sampled_from([0.0, 0.0, 1e-6, 0.02, 0.5, 30.0, 1e6, -0.02, -30.0, -1e6]),
    st.lists(st.tuples(numbers, numbers, sides, sides, st.floats(0, 1, width=32)), max_size=6),
)


@settings(max_examples=60, deadline=None)
@given(frames=st.lists(frame, max_size=8))
def test_any_frames_at_any_times(make: MakeTracker, frames: list[tuple[float, list[tuple[float, ...]]]]) -> None:
    """Gaps of any length, times that stand still or run back, boxes of no size, far outside, one upon another."""
    tracker, seconds = make(), 0.0
    for step, faces in frames:
        seconds += step
        table = np.array(faces, np.float32).reshape(-1, 5)
        before = table.copy()
        numbers = tracker.update(table[:, :4], table[:, 4], at(seconds))
        assert len(numbers) == len(faces)
        known = [number for number in numbers if number is not None]
        assert all(type(number) is int for number in known)
        assert len(set(known)) == len(known)
        assert (table == before).all()


@pytest.mark.parametrize(("fps", "least"), [(10, 0.85), (25, 0.85)])
def test_people_in_their_seats_are_told_apart(make: MakeTracker, fps: float, least: float) -> None:
    tracker, identity = make(), Identity()
    for shot in play(Script(people=6, fps=fps, seconds=10, walking=0, seed=5)):
        identity.add(shot.who.tolist(), tracker.update(shot.boxes, shot.confidence, shot.at))
    assert identity.people == 6
    assert identity.idf1 > least
