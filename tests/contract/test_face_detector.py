"""What every face detector keeps to, on faces that the synthetic camera draws."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pipeline.analyze.detect import FaceDetector, locate, make
from pipeline.analyze.detections import Detections
from pipeline.analyze.model_files import yunet_model
from pipeline.analyze.opencv import cv2
from pipeline.capture.spec import Size
from pipeline.capture.synthetic import Scene, SyntheticSource
from pipeline.errors import DependencyError
from pipeline.settings import DetectSettings, load


@pytest.fixture(scope="module", params=["yunet", "haar"])
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    model_dir = load().model_dir
    if request.param == "yunet":
        try:
            yunet_model(model_dir)
        except DependencyError as error:
            pytest.skip(str(error))
    return make(DetectSettings(detector=request.param), model_dir)


def drawn(people: int, frame: int = 0, seed: int = 0, size: tuple[int, int] = (640, 480)) -> np.ndarray:
    camera = SyntheticSource(Scene(people=people, seed=seed, size=Size(*size)))
    camera.open()
    for _ in range(frame + 1):
        camera.grab()
    half: np.ndarray = cv2.resize(camera.picture().image, (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA)
    return half


def check(faces: Detections, image: np.ndarray) -> None:
    n = len(faces)
    assert faces.boxes.shape == (n, 4)
    assert faces.confidence.shape == (n,)
    assert faces.boxes.dtype == faces.confidence.dtype == np.float32
    assert ((faces.confidence >= 0.7) & (faces.confidence <= 1)).all()
    assert (np.diff(faces.confidence) <= 0).all()
    assert (faces.boxes[:, 2:] > 0).all()
    centres = faces.boxes[:, :2] + faces.boxes[:, 2:] / 2
    assert ((centres > 0) & (centres < image.shape[1::-1])).all()
    if n and faces.landmarks is not None:
        assert faces.landmarks.shape == (n, 5, 2)
        left_eye, right_eye, nose, left_mouth, right_mouth = faces.landmarks.swapaxes(0, 1)
        assert (left_eye[:, 0] < right_eye[:, 0]).all()
        assert (left_mouth[:, 0] < right_mouth[:, 0]).all()
        assert (left_eye[:, 1] < nose[:, 1]).all()
        assert (nose[:, 1] < right_mouth[:, 1]).all()


@pytest.mark.parametrize("people", [0, 1, 2, 3])
def test_it_finds_the_people_who_are_there(detector: FaceDetector, people: int) -> None:
    images = [drawn(people, frame, seed=people) for frame in (0, 7, 19)]
    for faces, image in zip(detector.detect(images), images, strict=True):
        assert len(faces) == people
        check(faces, image)


def test_a_box_reaches_from_forehead_to_chin(detector: FaceDetector) -> None:
    """All detectors mean the same by a box: a taller than wide one, around the drawn face."""
    image = drawn(1)
    (faces,) = detector.detect([image])
    x, y, width, height = faces.boxes[0]
    assert 1.1 < height / width < 1.5
    skin = cv2.inRange(cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb), (40, 135, 75), (255, 180, 135))
    assert skin[int(y + 0.3 * height) : int(y + 0.7 * height), int(x + 0.2 * width) : int(x + 0.8 * width)].mean() > 130


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (31, 33), (97, 63), (320, 1), (333, 257)])
def test_odd_sizes_are_taken(detector: FaceDetector, size: tuple[int, int]) -> None:
    image = cv2.resize(drawn(1), size, interpolation=cv2.INTER_AREA)
    (faces,) = detector.detect([image])
    check(faces, image)


def test_noise_and_even_pictures_hold_no_face(detector: FaceDetector) -> None:
    noise = np.repeat(np.random.default_rng(0).integers(0, 255, (240, 320, 1), np.uint8), 3, 2)
    assert [len(faces) for faces in detector.detect([noise, np.zeros_like(noise), np.full_like(noise, 255)])] == [
        0,
        0,
        0,
    ]


def test_a_batch_gives_what_each_picture_gives_alone(detector: FaceDetector) -> None:
    images = [drawn(2), drawn(0), drawn(1, size=(500, 380)), drawn(3, frame=5), drawn(1, size=(250, 380))[:, ::-1]]
    together = detector.detect(images)
    assert len(together) == len(images)
    for faces, image in zip(together, images, strict=True):
        (alone,) = detector.detect([image])
        np.testing.assert_allclose(faces.boxes, alone.boxes, atol=0.01)
        np.testing.assert_allclose(faces.confidence, alone.confidence, atol=1e-4)
        check(faces, image)


def test_nothing_gives_nothing(detector: FaceDetector) -> None:
    assert detector.detect([]) == []
    assert locate(detector, []) == []


def test_several_threads_may_use_it(detector: FaceDetector) -> None:
    images = [drawn(people) for people in (1, 2, 3)] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda image: len(detector.detect([image])[0]), images))
    assert found == [1, 2, 3] * 4


def test_pictures_are_left_as_they_are(detector: FaceDetector) -> None:
    image = drawn(1)
    before = image.copy()
    detector.detect([image])
    assert (image == before).all()


def test_it_says_which_it_is(detector: FaceDetector) -> None:
    assert detector.ref.name
    assert detector.ref.version
    assert len(detector.ref.sha256) == 64


def test_an_unknown_folder_still_gives_a_detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSTREAM_OFFLINE", "1")
    monkeypatch.setenv("EMOSTREAM_CACHE", str(tmp_path))
    assert make(DetectSettings(detector="auto"), tmp_path / "nowhere").ref.name.startswith("haar")
