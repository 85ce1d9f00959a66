from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

from pipeline.analyze.tracking.budget import Policy
from pipeline.analyze.tracking.faces import UNREAD, CameraFaces, Reader, Rules
from pipeline.analyze.tracking.motion import MotionTracker
from pipeline.bench.scenes import START
from pipeline.messages import LABELS, Box, Face, ModelRef, Observation, Quality, scores_of

HAPPY = [0.02, 0.02, 0.02, 0.88, 0.02, 0.02, 0.02]
SAD = [0.02, 0.02, 0.02, 0.02, 0.88, 0.02, 0.02]
UNSURE = [0.1, 0.1, 0.1, 0.3, 0.2, 0.1, 0.1]
SIZE = (640, 480)
ALL = Policy()
READER = Reader(ModelRef(name="m"), abstain_below=0.5)


def faces(n: int, shift: float = 0) -> list[Face]:
    return [
        Face(
            bbox=Box(x=0.1 + 0.2 * k + shift, y=0.2, width=0.06, height=0.1), detection_confidence=0.9,
            quality=Quality(size_px=38, sharpness=0.8), inferred=False,
        )
        for k in range(n)
    ]  # fmt: skip


def read(face: Face, scores: Sequence[float]) -> Face:
    best = int(np.argmax(scores))
    return face.model_copy(
        update={"scores": scores_of(scores), "label": LABELS[best], "confidence": scores[best], "inferred": True}
    )


def go(
    camera: CameraFaces, seconds: float, found: list[Face], scores: Sequence[float], reader: Reader = READER
) -> list[Face]:
    at = START + timedelta(seconds=seconds)
    followed = camera.follow(found, range(len(found)), SIZE, at, reader)
    return camera.tell(
        [read(face, scores) if n in followed.read else face for n, face in enumerate(found)], followed, at
    )


def camera(policy: Policy = ALL, run: str = "aa") -> CameraFaces:
    return CameraFaces(Rules(MotionTracker, half_life=1.0, policy=policy), run)


def test_what_was_read_is_carried_along_the_track() -> None:
    it = camera()
    first = go(it, 0, faces(2), HAPPY)
    assert [(face.inferred, face.label, face.track_id) for face in first] == [
        (True, "happy", "aa-0"),
        (True, "happy", "aa-1"),
    ]
    later = go(it, 0.1, faces(2, 0.01), SAD)
    assert [(face.inferred, face.label, face.track_id) for face in later] == [
        (False, "happy", "aa-0"),
        (False, "happy", "aa-1"),
    ]
    assert later[0].scores is None
    assert later[0].smoothed == first[0].smoothed == scores_of(HAPPY)
    assert later[0].confidence == 0.88
    assert later[0].track_epoch == first[0].track_epoch == int(START.timestamp())


def test_it_changes_when_it_is_due() -> None:
    it = camera()
    go(it, 0, faces(1), HAPPY)
    (due,) = go(it, 1.0, faces(1), SAD)
    assert (due.inferred, due.label) == (True, "sad")
    assert due.smoothed is not None
    assert due.smoothed["sad"] == pytest.approx((0.02 + 2 * 0.88) / 3, abs=1e-3)


def test_an_uncertain_one_is_carried_as_uncertain_and_read_again_soon() -> None:
    it = camera()
    go(it, 0, faces(1), UNSURE)
    (carried,) = go(it, 0.1, faces(1), HAPPY)
    assert (carried.inferred, carried.abstained, carried.reason) == (False, True, "uncertain")
    (again,) = go(it, 0.3, faces(1), HAPPY)
    assert again.inferred


def test_a_face_beyond_the_budget_says_that_it_was_not_read() -> None:
    told = go(camera(Policy(per_second=2)), 0, faces(4), HAPPY)
    assert [face.inferred for face in told] == [True, True, False, False]
    assert [(face.abstained, face.reason, face.smoothed) for face in told[2:]] == [(True, UNREAD, None)] * 2


def test_what_the_gate_said_stays() -> None:
    it = camera()
    go(it, 0, faces(1), HAPPY)
    turned = faces(1)[0].model_copy(update={"abstained": True, "reason": "turned"})
    followed = it.follow([turned], [], SIZE, START + timedelta(seconds=2), READER)
    assert followed.read == []
    (told,) = it.tell([turned], followed, START + timedelta(seconds=2))
    assert (told.abstained, told.reason, told.label, told.inferred) == (True, "turned", None, False)
    assert told.smoothed == scores_of(HAPPY)


def test_where_the_model_failed_it_is_asked_again() -> None:
    it = camera()
    followed = it.follow(faces(1), [0], SIZE, START, READER)
    failed = faces(1)[0].model_copy(update={"abstained": True, "reason": "model_error"})
    assert it.tell([failed], followed, START)[0].reason == "model_error"
    assert it.follow(faces(1), [0], SIZE, START + timedelta(seconds=0.1), READER).read == followed.read == [0]


def test_frames_are_followed_while_others_are_read() -> None:
    it = camera()
    frames = [it.follow(faces(1), [0], SIZE, START + timedelta(seconds=k / 10), READER) for k in range(3)]
    assert [followed.read for followed in frames] == [[0], [], []]
    told = [
        it.tell([read(faces(1)[0], HAPPY)] if followed.read else faces(1), followed, START + timedelta(seconds=k / 10))
        for k, followed in enumerate(frames)
    ]
    assert [face.label for (face,) in told] == ["happy"] * 3


def test_it_goes_on_elsewhere() -> None:
    here, there, tail = camera(), camera(run="bb"), []
    for k in range(13):
        at = START + timedelta(seconds=k / 10)
        told = go(here, k / 10, faces(3, k / 500), HAPPY)
        tail.append(
            Observation(
                event_id=f"s/c/0/{k}", site="s", camera="c", session=0, seq=k, captured_at=at, processed_at=at,
                width=SIZE[0], height=SIZE[1], detector=ModelRef(name="d"), model=ModelRef(name="m"), faces=told,
            )
        )  # fmt: skip
    there.restore(tail)
    assert go(there, 1.4, faces(3, 14 / 500), SAD) == go(here, 1.4, faces(3, 14 / 500), SAD)
    assert go(there, 2.0, faces(3, 20 / 500), SAD) == go(here, 2.0, faces(3, 20 / 500), SAD)


def test_another_version_begins_a_track_anew_and_what_is_carried_names_its_own() -> None:
    it, other = camera(), Reader(ModelRef(name="m", version="2"), abstain_below=0.9)
    go(it, 0, faces(1), HAPPY)
    (carried,) = go(it, 0.1, faces(1), SAD, other)
    assert (carried.inferred, carried.smoothed, carried.model) == (False, scores_of(HAPPY), READER.model)
    assert carried.reason == "uncertain"  # as the version that is to read would have it
    (due,) = go(it, 1.0, faces(1), SAD, other)
    assert (due.inferred, due.smoothed, due.model) == (True, scores_of(SAD), None)
    (kept,) = go(it, 1.1, faces(1), HAPPY, other)
    assert (kept.inferred, kept.smoothed, kept.model) == (False, scores_of(SAD), None)


def test_a_face_that_another_version_read_in_its_place_says_so_as_long_as_it_is_carried() -> None:
    it, other = camera(), ModelRef(name="m", version="2")
    go(it, 0, faces(1), HAPPY)
    at = START + timedelta(seconds=1)
    followed = it.follow(faces(1), [0], SIZE, at, READER)
    (told,) = it.tell([read(faces(1)[0], SAD).model_copy(update={"model": other})], followed, at)
    assert (told.model, told.smoothed) == (other, scores_of(SAD))
    (carried,) = go(it, 1.1, faces(1), HAPPY)
    assert (carried.model, carried.label) == (other, "sad")
    (again,) = go(it, 2.0, faces(1), HAPPY)
    assert (again.model, again.smoothed) == (None, scores_of(HAPPY))


def test_a_crowd_costs_little_beside_reading_it() -> None:
    """The order of it; 0009 has figures."""
    it = camera()
    many = [
        Face(
            bbox=Box(x=0.1 * (k % 8), y=0.1 * (k // 8), width=0.04, height=0.05), detection_confidence=0.9,
            quality=Quality(size_px=26, sharpness=0.8), inferred=False,
        )
        for k in range(64)
    ]  # fmt: skip
    ids = {face.track_id for k in range(10) for face in go(it, k / 25, many, HAPPY)}
    assert len(ids) == 64
