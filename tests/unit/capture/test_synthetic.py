"""The drawn people: the same each time, found by both detectors, and told truly."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.capture.expressions import CHANGE_SECONDS, HOLD_SECONDS, POSES, Script
from pipeline.capture.source import Image, Picture
from pipeline.capture.synthetic import Scene, SyntheticSource, people_of
from pipeline.capture.uri import EXPRESSIONS
from pipeline.messages import LABELS

PEOPLE = (1, 2, 4, 12)


def frames(scene: Scene, indices: list[int]) -> list[Picture]:
    source, found = SyntheticSource(scene), []
    source.open()
    for index in range(max(indices) + 1):
        source.grab()
        if index in indices:
            found.append(source.picture())
    return found


def small(image: Image) -> Image:
    """As the detectors get it: 320 pixels wide."""
    size = (320, round(image.shape[0] * 320 / image.shape[1]))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def test_the_expressions_are_the_labels() -> None:
    assert set(POSES) == set(EXPRESSIONS) == set(LABELS)


def test_the_same_seed_and_frame_give_the_same_pixels() -> None:
    scene = Scene(seed=3)
    one, other = frames(scene, [0, 7, 31]), frames(scene, [31])
    assert np.array_equal(one[2].image, other[0].image)
    assert not np.array_equal(one[0].image, one[1].image)
    assert not np.array_equal(one[0].image, frames(Scene(seed=4), [0])[0].image)


def test_it_ends_after_its_frames() -> None:
    for options, count in (({"frames": "5"}, 5), ({"seconds": "0.5"}, 10), ({"seconds": "9", "frames": "3"}, 3)):
        source = SyntheticSource.from_options(options, fps=20)
        source.open()
        assert len(list(iter(source.grab, None))) == count


def test_the_script_shows_every_expression_in_turn() -> None:
    order = ("happy", "sad", "neutral")
    script = Script(order)
    assert [script.at(index * HOLD_SECONDS + 0.1).expression for index in range(6)] == list(order * 2)
    moments = [script.at(index / 100) for index in range(900)]
    changing = [moment for moment in moments if moment.step]
    assert len(changing) == pytest.approx(3 * 100 * CHANGE_SECONDS, abs=6)
    assert all(a.step <= b.step or b.step == 0 for a, b in pairwise(moments))


def test_the_truth_stands_from_left_to_right() -> None:
    scene = Scene(people=4, seed=2)
    people = people_of(scene)
    (picture,) = frames(scene, [40])
    by_place = sorted(people, key=lambda person: person.face_x(4.0))
    assert picture.scripted == tuple(person.expression(4.0) for person in by_place)
    assert frames(Scene(people=3, expression="happy"), [25])[0].scripted == ("happy",) * 3
    assert frames(Scene(people=0), [0])[0].scripted == ()


@pytest.mark.parametrize("people", PEOPLE)
def test_yunet_finds_the_faces(shared_data: Path, people: int) -> None:
    model = shared_data / "models" / "face_detection_yunet_2023mar.onnx"
    detector = cv2.FaceDetectorYN.create(str(model), "", (320, 240), 0.7)
    found = wanted = 0
    for seed in (1, 2):
        for picture in frames(Scene(people=people, seed=seed), list(range(0, 210, 35))):
            _, faces = detector.detect(small(picture.image))
            found += min(people, 0 if faces is None else len(faces))
            wanted += people
            assert faces is None or len(faces) <= people, "found what is no face"
    assert found >= 0.95 * wanted


@pytest.mark.parametrize("people", PEOPLE)
def test_haar_finds_the_faces(people: int) -> None:
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    found = wanted = 0
    for seed in (1, 2):
        for picture in frames(Scene(people=people, seed=seed), list(range(0, 210, 35))):
            gray = cv2.cvtColor(small(picture.image), cv2.COLOR_BGR2GRAY)
            found += min(people, len(cascade.detectMultiScale(gray, 1.1, 4, minSize=(16, 16))))
            wanted += people
    assert found >= 0.85 * wanted


def test_an_empty_room_has_no_faces(shared_data: Path) -> None:
    model = shared_data / "models" / "face_detection_yunet_2023mar.onnx"
    detector = cv2.FaceDetectorYN.create(str(model), "", (320, 240), 0.7)
    for picture in frames(Scene(people=0, seed=1), [0, 5]):
        assert detector.detect(small(picture.image))[1] is None
