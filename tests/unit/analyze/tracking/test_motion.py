from datetime import datetime, timedelta

import numpy as np
import pytest

from pipeline.analyze.tracking.motion import Motion, MotionTracker
from pipeline.bench.identity import Identity
from pipeline.bench.scenes import START, Script, play


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def see(tracker: MotionTracker, seconds: float, *faces: tuple[float, float, float]) -> list[int | None]:
    """Faces as x, y of the centre, size."""
    boxes = [(x - size / 2, y - size / 2, size, size) for x, y, size in faces]
    n = len(faces)
    return tracker.update(np.array(boxes, np.float32).reshape(n, 4), np.full(n, 0.9, np.float32), at(seconds))


def test_time_may_be_cut_into_any_steps() -> None:
    """Frames without faces change nothing but the time."""
    whole, parts = MotionTracker(), MotionTracker()
    for tracker in (whole, parts):
        for frame in range(5):
            see(tracker, frame / 10, (100 + 8 * frame, 100, 40), (300, 200 - 5 * frame, 60))
    for step in (0.45, 0.5, 0.5, 0.71, 0.9):
        see(parts, step)
    see(whole, 0.9)
    for name in ("_place", "_speed", "_spread", "_size", "_unseen"):
        np.testing.assert_allclose(getattr(whole, name), getattr(parts, name), rtol=1e-9)


@pytest.mark.parametrize("scale", [0.1, 3.0])
def test_near_and_far_faces_obey_the_same_numbers(scale: float) -> None:
    shots = list(play(Script(people=8, fps=5, seconds=6, seed=3)))
    usual, scaled = MotionTracker(), MotionTracker()
    for shot in shots:
        wanted = usual.update(shot.boxes * 10, shot.confidence, shot.at)
        assert scaled.update(shot.boxes * 10 * np.float32(scale), shot.confidence, shot.at) == wanted


@pytest.mark.parametrize("fps", [0.5, 1, 2, 10, 60])
def test_a_rate_of_frames_is_nothing_to_set(fps: float) -> None:
    """Three in their seats, moving a little, for a minute."""
    rng = np.random.default_rng(1)
    tracker = MotionTracker()
    for frame in range(round(60 * fps)):
        near = rng.normal(0, 0.1, (3, 2)) * 40
        numbers = see(tracker, frame / fps, *((100 + 150 * k + near[k, 0], 100 + near[k, 1], 40) for k in range(3)))
        assert numbers == [0, 1, 2]


def test_who_walks_keeps_the_number_and_so_does_who_is_passed() -> None:
    tracker = MotionTracker()
    for frame in range(40):
        walker = (20 + 60 * frame / 5, 100, 40)
        seated = (240, 110, 50)
        hidden = abs(walker[0] - seated[0]) < 30
        numbers = see(tracker, frame / 5, seated, *([] if hidden else [walker]))
        assert numbers == ([0] if hidden else [0, 1])


def test_a_walker_at_two_frames_a_second() -> None:
    """More than two face sizes from frame to frame; no two boxes ever overlap."""
    tracker = MotionTracker()
    for frame in range(8):
        assert see(tracker, frame / 2, (40 + 70 * frame, 100, 30), (300, 300, 30)) == [0, 1]


def test_a_face_of_quite_another_size_is_another() -> None:
    tracker = MotionTracker()
    for frame in range(5):
        see(tracker, frame / 10, (100, 100, 40))
    assert see(tracker, 0.5, (100, 100, 120)) == [1]


def test_a_track_is_forgotten_in_time() -> None:
    motion = Motion(memory=4, brief_memory=1, proven=2)
    tracker = MotionTracker(motion)
    see(tracker, 0, (100, 100, 40))
    see(tracker, 0.5)
    assert see(tracker, 1.0, (100, 100, 40)) == [1]  # seen but once before, and missed
    assert see(tracker, 1.5, (100, 100, 40)) == [1]
    assert see(tracker, 5.4, (100, 100, 40)) == [1]
    assert see(tracker, 9.4, (100, 100, 40)) == [2]
    see(tracker, 20)
    assert len(tracker) == 0


def test_a_clock_that_was_set_back_stops_nothing() -> None:
    tracker = MotionTracker()
    for seconds in (100, 100.1, 100.1, 40, 40.1, 40.05, 40.2):
        assert see(tracker, seconds, (100, 100, 40)) == [0]
    for tenth in range(50):
        see(tracker, 40.3 + tenth / 10)
    assert len(tracker) == 0


@pytest.mark.parametrize(("fps", "least"), [(2, 0.85), (5, 0.9), (10, 0.95), (25, 0.9)])
def test_a_room_with_people_who_walk_through_it(fps: float, least: float) -> None:
    """docs/decisions/0009 has more of it: `python -m pipeline.bench.tracking`."""
    right = total = 0
    for people in (4, 8):
        tracker, identity = MotionTracker(), Identity()
        for shot in play(Script(people=people, fps=fps, seconds=12, walking=0.25, shake=3, seed=people)):
            identity.add(shot.who.tolist(), tracker.update(shot.boxes, shot.confidence, shot.at))
        right, total = right + 2 * identity.right(), total + identity.faces + identity.tracked
    assert right / total > least
