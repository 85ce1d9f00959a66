from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analyze.tracking.camera import MEMORY, CameraTracks
from pipeline.analyze.tracking.motion import MotionTracker
from pipeline.bench.scenes import HEIGHT, START, WIDTH, Script, Shot, play
from pipeline.messages import Box, Face, ModelRef, Observation, Quality

FACES = ((100.0, 100.0, 40.0, 50.0), (300.0, 120.0, 44.0, 54.0))
SCENE = list(play(Script(people=6, fps=5, seconds=12, walking=0.3, seed=11)))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def see(tracks: CameraTracks, seconds: float, *boxes: tuple[float, ...]) -> list[str | None]:
    n = len(boxes)
    return tracks.update(np.array(boxes, np.float32).reshape(n, 4), np.full(n, 0.9, np.float32), at(seconds))


def observed(seq: int, shot: Shot, ids: list[str | None], epoch: int) -> Observation:
    """As it stands on the topic: faces from left to right, boxes cut off at the edges, rounded fractions."""
    faces = []
    for at_face in np.argsort(shot.boxes[:, 0]):
        x, y, w, h = shot.boxes[at_face].tolist()
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + w, WIDTH), min(y + h, HEIGHT)
        box = [left / WIDTH, top / HEIGHT, max(0, right - left) / WIDTH, max(0, bottom - top) / HEIGHT]
        faces.append(
            Face(
                track_id=ids[at_face],
                track_epoch=epoch,
                bbox=Box(**dict(zip(("x", "y", "width", "height"), (round(v, 5) for v in box), strict=True))),
                detection_confidence=round(float(shot.confidence[at_face]), 4),
                quality=Quality(size_px=min(w, h)),
            )
        )
    return Observation(
        event_id=f"site/cam/0/{seq}", site="site", camera="cam", session=0, seq=seq, captured_at=shot.at,
        processed_at=shot.at, width=WIDTH, height=HEIGHT, detector=ModelRef(name="d"), model=ModelRef(name="m"),
        faces=faces,
    )  # fmt: skip


def test_ids_are_of_the_run_and_of_nothing_else() -> None:
    one, other = CameraTracks(MotionTracker, "aa"), CameraTracks(MotionTracker, "bb")
    assert see(one, 0, *FACES) == ["aa-0", "aa-1"]
    assert see(other, 0, *FACES) == ["bb-0", "bb-1"]


def test_an_epoch_lasts_until_the_camera_was_away_for_too_long() -> None:
    tracks = CameraTracks(MotionTracker, "aa")
    ids = see(tracks, 0, *FACES)
    first = tracks.epoch
    assert first == int(START.timestamp())
    assert see(tracks, 3.9, *FACES) == ids
    assert tracks.epoch == first
    assert see(tracks, 8.0, *FACES) == ["aa-2", "aa-3"]
    assert tracks.epoch == first + 8
    see(tracks, 2.0, *FACES)  # its clock was set back
    see(tracks, 6.1, *FACES)
    assert tracks.epoch == first + 9


def test_nobody_in_the_picture_is_no_gap() -> None:
    tracks = CameraTracks(MotionTracker, "aa")
    for tenth in range(100):
        see(tracks, tenth / 10)
    assert tracks.epoch == int(START.timestamp())


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(5, len(SCENE) - 5), length=st.integers(1, 60))
def test_tracks_go_on_elsewhere(cut: int, length: int) -> None:
    """From the tail of what was told, as if nothing had happened, but for a face that had been lost to sight before."""
    here = CameraTracks(MotionTracker, "aa")
    tail, undisturbed = [], []
    for seq, shot in enumerate(SCENE):
        ids = here.update(shot.boxes, shot.confidence, shot.at)
        undisturbed.append(ids)
        tail.append(observed(seq, shot, ids, here.epoch))
    there = CameraTracks(MotionTracker, "bb")
    there.restore(tail[max(0, cut - length) : cut])
    assert there.epoch == here.epoch
    in_sight = set(undisturbed[cut - 1])
    shot = SCENE[cut]
    wanted = [(want, got) for want, got in zip(
        undisturbed[cut], there.update(shot.boxes, shot.confidence, shot.at), strict=True
    ) if want in in_sight]  # fmt: skip
    agree = sum(want == got for want, got in wanted)
    assert agree >= len(wanted) - (length < 3)  # with so short a tail a speed may not be known
    assert there.epoch == here.epoch


def test_ids_that_were_given_elsewhere_are_not_given_again() -> None:
    here, there = CameraTracks(MotionTracker, "aa"), CameraTracks(MotionTracker, "bb")
    shot = Shot(START, np.array(FACES, np.float32), np.full(2, 0.9, np.float32), np.arange(2))
    there.restore([observed(0, shot, here.update(shot.boxes, shot.confidence, shot.at), here.epoch)])
    assert see(there, 0.2, (500, 300, 40, 50), *FACES) == ["bb-0", "aa-0", "aa-1"]


def test_after_a_long_gap_there_is_a_new_epoch() -> None:
    here, there = CameraTracks(MotionTracker, "aa"), CameraTracks(MotionTracker, "bb")
    shot = Shot(START, np.array(FACES, np.float32), np.full(2, 0.9, np.float32), np.arange(2))
    there.restore([observed(0, shot, here.update(shot.boxes, shot.confidence, shot.at), here.epoch)])
    assert see(there, MEMORY.total_seconds() + 0.1, *FACES) == ["bb-0", "bb-1"]
    assert there.epoch == here.epoch + 4


def test_nothing_known_is_a_new_epoch() -> None:
    tracks = CameraTracks(MotionTracker, "aa")
    tracks.restore([])
    assert tracks.epoch == 0
    see(tracks, 5)
    assert tracks.epoch == int(START.timestamp()) + 5


def test_who_came_and_went_is_forgotten() -> None:
    tracks = CameraTracks(MotionTracker, "aa")
    for minute in range(50):
        for step in range(20):
            see(tracks, 60 * minute + 3 * step, (30.0 * step, 100, 40, 50))
    assert len(tracks._ids) < 20
    assert len(tracks._seen) < 20


@pytest.mark.parametrize("seconds", [0.0, -5.0, 3.0])
def test_the_same_frame_again(seconds: float) -> None:
    tracks = CameraTracks(MotionTracker, "aa")
    ids = see(tracks, 10, *FACES)
    assert see(tracks, 10 + seconds, *FACES) == ids
