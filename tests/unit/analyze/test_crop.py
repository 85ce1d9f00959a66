import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analyze.crop import TOO_MANY, Cropper, Square, cut, framed, placed
from pipeline.analyze.decode import Decoder, Picture
from pipeline.analyze.detections import Detections
from pipeline.analyze.gate import BLURRED, CUT_OFF, TOO_SMALL, TURNED, Gate
from pipeline.analyze.image import View
from pipeline.analyze.opencv import cv2
from pipeline.analyze.readable import readable
from pipeline.classify.classifier import CropSpec
from pipeline.messages import FrameHeader, FrameId, checksum
from pipeline.settings import QualitySettings

GRAY, BGR = CropSpec(48, "gray"), CropSpec(64, "bgr")
OFF = QualitySettings(**dict.fromkeys(QualitySettings.model_fields, 0))
EASY = Gate(OFF, min_face_px=4)


def chart(width: int, height: int) -> np.ndarray:
    """Blue grows to the right, green downwards."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :, 0] = np.linspace(0, 255, width)[None, :]
    image[:, :, 1] = np.linspace(0, 255, height)[:, None]
    return image


def picture(image: np.ndarray, max_side: int = 320) -> Picture:
    jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    height, width = image.shape[:2]
    header = FrameHeader(FrameId("s", "c", 0, 0), datetime(2026, 1, 1, tzinfo=UTC), width, height, checksum(jpeg))
    return Decoder(10**7, 10**7, max_side)(jpeg, header)


def found(*boxes: tuple[float, float, float, float], confidence: float = 0.9) -> Detections:
    return Detections(np.array(boxes, np.float32), np.full(len(boxes), confidence, np.float32))


def face(x: float, y: float, size: float, roll: float = 0.0) -> tuple[list[float], list[complex]]:
    """Box and landmarks of a face whose FER2013 picture would have its middle at (x, y) and `size` px a side."""
    turn = complex(math.cos(roll), math.sin(roll)) * size
    marks = [(0.32, 0.40), (0.68, 0.40), (0.50, 0.60), (0.35, 0.76), (0.65, 0.76)]
    points = [complex(x, y) + turn * complex(u - 0.5, v - 0.5) for u, v in marks]
    centre = complex(x, y) + turn * 0.034j
    return [centre.real - 0.386 * size, centre.imag - 0.491 * size, 0.772 * size, 0.982 * size], points


@pytest.mark.parametrize("roll", [0, 0.3, -0.6])
def test_a_face_is_framed_as_fer2013_frames_it(roll: float) -> None:
    box, points = face(200, 150, 80, roll)
    assert framed(box, points) == pytest.approx((200, 150, 80, roll), abs=0.01)
    assert framed(box, points, margin=0.1).side == pytest.approx(96)


def test_without_landmarks_the_box_alone_frames_it() -> None:
    box, _ = face(200, 150, 80)
    assert framed(box, None) == pytest.approx((200, 150, 80, 0), abs=0.01)


@pytest.mark.parametrize("step", [1.0, 2.0])
@pytest.mark.parametrize("side", [30, 48, 100, 300])
def test_a_crop_shows_its_square(step: float, side: float) -> None:
    """Colours tell places: each pixel of the crop shows the frame's colour there."""
    image = cv2.resize(chart(640, 480), None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    crop = cut(View(image, (step, step)), Square(320, 240, side, 0), BGR)
    assert crop.shape == (64, 64, 3)
    at = np.linspace(-0.5, 0.5, 65)[:-1] + 1 / 128
    assert np.abs(crop[32, :, 0] - (320 + at * side) * 255 / 640).max() < 2
    assert np.abs(crop[:, 32, 1] - (240 + at * side) * 255 / 480).max() < 2


def test_a_turned_square_is_set_upright() -> None:
    image = np.full((200, 200), 255, np.uint8)
    cv2.line(image, (60, 60), (140, 140), 0, 8)
    crop = cut(View(image, (1, 1)), Square(100, 100, 100, math.pi / 4), GRAY)
    dark = crop[22:26].mean(), crop[:, 22:26].mean()
    assert dark[0] < 60 < dark[1]  # the slanting line lies level


def test_gray_from_colour_is_the_same_as_gray_from_gray() -> None:
    image = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8), (0, 0), 2)
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    for square in (Square(80, 60, 50, 0.2), Square(5, 5, 60, -0.4), Square(158, 118, 30, 1.0), Square(80, 60, 400, 0)):
        a, b = (cut(View(source, (1, 1)), square, GRAY) for source in (image, gray))
        assert np.abs(a.astype(int) - b).max() <= 1


def test_strong_shrinking_does_not_alias() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (480, 240))  # of one pixel each
    crop = cut(View(stripes, (1, 1)), Square(240, 240, 400, 0), GRAY)
    assert crop.std() < 20
    assert abs(crop.mean() - 127) < 4


def test_beyond_the_picture_its_edge_is_repeated() -> None:
    image = np.full((100, 100, 3), 90, np.uint8)
    for square in (Square(0, 0, 80, 0.5), Square(100, 50, 80, 0), Square(-500, -500, 50, 0)):
        assert (cut(View(image, (1, 1)), square, GRAY) == 90).all()


def test_faces_too_small_or_too_many_have_a_reason_and_no_crop() -> None:
    faces = found((10, 10, 60, 60), (100, 10, 15, 30), (200, 10, 60, 60), (300, 10, 60, 60))
    cuts = Cropper(GRAY, Gate(OFF, min_face_px=16), max_faces=2)(picture(chart(640, 480)), faces)
    assert [cut.rejected for cut in cuts] == ["", TOO_SMALL, "", TOO_MANY]
    assert [cut.crop is None for cut in cuts] == [False, True, False, True]
    assert cuts[1].quality.size_px == 15
    assert cuts[1].quality.blur is None
    assert cuts[0].quality.yaw is None


def test_boxes_are_told_as_fractions_clipped_to_the_picture() -> None:
    (one,) = Cropper(GRAY, EASY, 9)(picture(chart(640, 480)), found((-32, 240, 96, 480)))
    assert (one.box.x, one.box.y, one.box.width, one.box.height) == (0, 0.5, 0.1, 0.5)
    assert one.quality.size_px == 64
    (gone,) = Cropper(GRAY, EASY, 9)(picture(chart(640, 480)), found((700, 10, 50, 50)))
    assert gone.rejected == TOO_SMALL


def test_a_small_face_is_cut_from_a_finer_picture() -> None:
    image = chart(1280, 960)
    square = image[440:500, 600:660]
    square[:] = np.random.default_rng(2).integers(0, 255, square.shape, np.uint8)
    (near,) = Cropper(GRAY, EASY, 9)(picture(image), found((600, 440, 60, 60)))
    coarse = cut(picture(image).small, framed((600, 440, 60, 60), None), GRAY)
    assert near.crop is not None
    assert near.quality.blur == readable(near.crop)["blur"] > 3 * readable(coarse)["blur"]
    assert near.quality.sharpness == readable(near.crop)["sharpness"] > readable(coarse)["sharpness"]


def test_a_face_that_is_not_read_keeps_its_quality() -> None:
    """Before the crop or after it: box, reason and all that is known."""
    soft = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 1, (480, 640, 1)), (0, 0), 12)
    soft = np.repeat((soft / soft.std() * 30 + 120).clip(0, 255).astype(np.uint8)[:, :, None], 3, 2)
    limits = OFF.model_copy(update={"min_sharpness": 0.4, "min_inside": 0.7, "max_yaw": 40})
    box, points = face(320, 240, 100)
    aside = [*points[:2], points[2] + 40, *points[3:]]
    boxes = np.array([box, box, [-80, 100, 120, 150]], np.float32)
    marks = np.array([[(z.real, z.imag) for z in some] for some in (points, aside, points)], np.float32)
    faces = Detections(boxes, np.full(3, 0.9, np.float32), marks)
    blurred, turned, outside = Cropper(GRAY, Gate(limits, 4), 9)(picture(soft), faces)
    assert [one.rejected for one in (blurred, turned, outside)] == [BLURRED, TURNED, CUT_OFF]
    assert all(one.crop is None for one in (blurred, turned, outside))
    assert blurred.quality.sharpness is not None
    assert blurred.quality.sharpness < 0.4
    assert turned.quality.yaw is not None
    assert turned.quality.yaw > 40
    assert turned.quality.sharpness is None
    assert outside.quality.inside == pytest.approx(40 / 120, abs=0.001)


def test_faces_stopped_before_the_crop_leave_room_for_others() -> None:
    faces = found((-80, 100, 120, 150), (200, 100, 120, 150))
    limits = OFF.model_copy(update={"min_inside": 0.7})
    cuts = Cropper(GRAY, Gate(limits, 4), max_faces=1)(picture(chart(640, 480)), faces)
    assert [one.rejected for one in cuts] == [CUT_OFF, ""]


@pytest.mark.parametrize("degrees", [-20, 0, 35])
def test_the_roll_of_a_face_is_told(degrees: float) -> None:
    box, points = face(200, 150, 80, math.radians(degrees))
    _, quality = placed(box, points, 640, 480)
    assert quality.roll == pytest.approx(degrees, abs=0.1)
    assert quality.inside == 1
    assert placed(box, None, 640, 480)[1].roll is None


boxes = st.tuples(st.floats(-900, 900), st.floats(-900, 900), st.floats(0, 2000), st.floats(0, 2000))
marks = st.lists(st.tuples(st.floats(-900, 900), st.floats(-900, 900)), min_size=5, max_size=5)
PICTURE = picture(chart(333, 201), max_side=96)


@given(boxes, st.one_of(st.none(), marks), st.sampled_from([GRAY, BGR]))
def test_every_box_gives_a_crop_or_a_reason(
    box: tuple[float, float, float, float], marks: list[tuple[float, float]] | None, spec: CropSpec
) -> None:
    landmarks = None if marks is None else np.array([marks], np.float32)
    faces = Detections(np.array([box], np.float32), np.ones(1, np.float32), landmarks)
    (one,) = Cropper(spec, EASY, 9)(PICTURE, faces)
    if one.rejected:
        assert one.crop is None
    else:
        assert one.crop is not None
        assert one.crop.shape == spec.shape
        assert one.crop.dtype == np.uint8
    assert 0 <= one.box.x <= one.box.x + one.box.width <= 1.0001
    assert 0 <= one.box.y <= one.box.y + one.box.height <= 1.0001
