import cmath
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from pipeline.analyze.crop import framed
from pipeline.analyze.model_files import FILE_NAME, yunet_model
from pipeline.analyze.opencv import cv2
from pipeline.analyze.pose import pose
from pipeline.analyze.yunet import YuNet, with_free_sizes

CLIPS = ("again.mkv", "eat.mkv", "friday.mp4", "classroom.gif")
SIZES = ((640, 480), (320, 240), (301, 177))


@pytest.fixture(scope="module")
def models(shared_data: Path) -> Path:
    return shared_data / "models"


@pytest.fixture(scope="module")
def yunet(models: Path) -> YuNet:
    return YuNet(yunet_model(models), confidence=0.7)


@pytest.fixture(scope="module")
def pictures(shared_data: Path) -> list[np.ndarray]:
    frames = [frame for clip in CLIPS for frame in _frames(shared_data / "videos" / clip)]
    pictures = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames for size in SIZES]
    crowd = cv2.imread(str(shared_data / "photos" / "solvay1927.jpg"))
    return [*pictures, cv2.resize(crowd, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)]


def _frames(path: Path) -> Iterator[np.ndarray]:
    clip = cv2.VideoCapture(str(path))
    for index in range(50):
        good, frame = clip.read()
        if good and index % 20 == 5:
            yield frame


def test_it_finds_what_opencv_finds(yunet: YuNet, models: Path, pictures: list[np.ndarray]) -> None:
    faces = 0
    for picture in pictures:
        height, width = picture.shape[:2]
        theirs = cv2.FaceDetectorYN.create(str(models / FILE_NAME), "", (width, height), 0.7, 0.3).detect(picture)[1]
        theirs = np.empty((0, 15), np.float32) if theirs is None else theirs
        theirs = theirs[np.argsort(-theirs[:, 14], kind="stable")]
        (ours,) = yunet.detect([picture])
        assert len(ours) == len(theirs)
        if not len(ours):
            continue
        assert ours.landmarks is not None
        np.testing.assert_allclose(ours.boxes, theirs[:, :4], atol=0.1)
        np.testing.assert_allclose(ours.confidence, theirs[:, 14], atol=1e-4)
        np.testing.assert_allclose(ours.landmarks.reshape(-1, 10), theirs[:, 4:14], atol=0.1)
        faces += len(ours)
    assert faces >= 60


def test_the_net_takes_any_batch_and_size(models: Path) -> None:
    session = onnxruntime.InferenceSession(with_free_sizes(yunet_model(models)), providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    assert (taken.type, taken.shape) == ("tensor(uint8)", ["N", "H", "W", 3])
    for n, height, width in ((1, 32, 32), (3, 64, 160), (2, 640, 96)):
        score, bbox, kps = session.run(None, {taken.name: np.zeros((n, height, width, 3), np.uint8)})
        anchors = height * width * 21 // 1024
        assert (score.shape, bbox.shape, kps.shape) == ((n, anchors, 1), (n, anchors, 4), (n, anchors, 10))


def test_a_crowd_is_counted(yunet: YuNet, shared_data: Path) -> None:
    crowd = cv2.imread(str(shared_data / "photos" / "solvay1927.jpg"))
    assert crowd is not None
    (faces,) = yunet.detect([crowd])
    assert len(faces) == 29


def test_an_empty_corridor_is_empty(yunet: YuNet, shared_data: Path) -> None:
    clip = cv2.VideoCapture(str(shared_data / "videos" / "one-by-one-person-detection.mp4"))
    seen = 0
    for _ in range(20):
        good, frame = clip.read()
        assert good
        seen += len(yunet.detect([cv2.resize(frame, (320, 240))])[0])
    assert seen == 0


def test_crops_show_faces_where_fer2013_has_them(yunet: YuNet, pictures: list[np.ndarray]) -> None:
    """The eyes and the mouth of people in the clips, in their crops, as parts of the crop's side."""
    places = []
    for picture in pictures[:-1]:
        (faces,) = yunet.detect([picture])
        if faces.landmarks is None:
            continue
        for box, marks in zip(faces.boxes.tolist(), faces.landmarks.tolist(), strict=True):
            points = [complex(x, y) for x, y in marks]
            if abs(pose(points)[0]) < 20:
                square = framed(box, points)
                upright = cmath.rect(1 / square.side, -square.angle)
                places.append([(z - complex(square.x, square.y)) * upright + 0.5 + 0.5j for z in points])
    assert len(places) > 20
    seen = np.median(np.real(places), 0), np.median(np.imag(places), 0)
    np.testing.assert_allclose(seen[0], [0.32, 0.68, 0.50, 0.35, 0.65], atol=0.05)
    np.testing.assert_allclose(seen[1], [0.40, 0.40, 0.60, 0.76, 0.76], atol=0.05)
