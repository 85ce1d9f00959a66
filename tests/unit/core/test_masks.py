"""What lies behind a mask is in no byte of a frame, and costs a camera nothing of its sight."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.capture.child import encode_jpeg
from pipeline.capture.spec import CameraKind, CameraSpec, ReadOptions, decode_task, encode_task
from pipeline.capture.uri import camera_specs
from pipeline.errors import BadRecord
from pipeline.masks import Polygons, rectangles
from pipeline.messages import FrameHeader
from pipeline.settings import CameraSettings
from tests.frames import AT, FrameId

TRIANGLE = ((0.1, 0.1), (0.62, 0.2), (0.3, 0.7))
CORNER = ((0.0, 0.0), (0.2, 0.0), (0.2, 0.31), (0.0, 0.31))
fraction = st.floats(0, 1)
polygons = st.lists(st.tuples(fraction, fraction), min_size=3, max_size=6).map(tuple)


def inside(masks: Polygons, width: int, height: int) -> np.ndarray:
    """Pixels that any of the polygons touches, by a finer drawing than the one under test."""
    finer = 4
    drawn = np.zeros((height * finer, width * finer), np.uint8)
    for polygon in masks:
        corners = np.round(np.array(polygon) * (width * finer, height * finer)).astype(np.int32)
        cv2.fillPoly(drawn, [corners], 1)
    return drawn.reshape(height, finer, width, finer).max((1, 3)) > 0


def busy(width: int, height: int, seed: int) -> np.ndarray:
    """A picture that would bleed: each pixel for itself, in strong colours."""
    return np.random.default_rng(seed).choice(np.array([0, 255], np.uint8), (height, width, 3))


@settings(max_examples=60, deadline=None)
@given(masks=st.lists(polygons, min_size=1, max_size=3).map(tuple), width=st.integers(64, 200), seed=st.integers(0, 9))
def test_every_pixel_behind_a_mask_is_black_after_the_jpeg(masks: Polygons, width: int, seed: int) -> None:
    height = 117
    jpeg, *_ = encode_jpeg(busy(width, height, seed), ReadOptions(), masks)
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert not decoded[inside(masks, width, height)].any()


TWICE_ROUND = {
    "the same way again": [TRIANGLE * 2, TRIANGLE],
    "closed by its first corner": [(*TRIANGLE, TRIANGLE[0]), TRIANGLE],
    "a corner of it once more": [(*CORNER, (0.0, 0.0), (0.1, 0.0), (0.1, 0.2), (0.0, 0.2)), CORNER],
    "inwards in a spiral": [
        ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9), (0.1, 0.1), (0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)),
        ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)),
    ],
}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("case", TWICE_ROUND)
def test_a_mask_that_goes_round_something_twice_hides_it_all_the_same(case: str, backwards: bool) -> None:
    twice, once = ([[*polygon]] for polygon in TWICE_ROUND[case])
    settings = CameraSettings(uri="synthetic:", masks=[twice[0][::-1] if backwards else twice[0]])
    jpeg, *_ = encode_jpeg(busy(320, 240, 1), ReadOptions(), camera_specs([settings])[0].masks)
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert not decoded[inside(tuple(map(tuple, once)), 320, 240)].any()


def test_a_window_in_a_mask_stays_open() -> None:
    """Round it, in by a slit, and round the window the other way."""
    outer, window = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)), ((0.3, 0.3), (0.3, 0.7), (0.7, 0.7), (0.7, 0.3))
    mask = (*outer, outer[0], *window, window[0])
    black = np.zeros((240, 320), bool)
    for top, bottom, left, right in rectangles((mask,), 320, 240):
        black[top:bottom, left:right] = True
    assert not black[100:140, 130:190].any()
    assert black[:60].all()
    assert black[:, :80].all()


def test_nothing_behind_a_mask_leaves_a_trace_in_the_frame() -> None:
    """Two pictures that differ behind the mask alone are the same bytes, scaled down or not."""
    for max_side in (320, 640):
        pictures = [busy(640, 480, 1), busy(640, 480, 1)]
        behind = inside((TRIANGLE,), 640, 480)
        pictures[1][behind] = busy(640, 480, 2)[behind]
        first, second = (encode_jpeg(picture, ReadOptions(max_side=max_side), (TRIANGLE,))[0] for picture in pictures)
        assert first == second


def test_the_rest_of_the_picture_stays() -> None:
    """A mask takes at most the blocks around its edge beside itself."""
    for mask in (TRIANGLE, CORNER):
        black = sum((bottom - top) * (right - left) for top, bottom, left, right in rectangles((mask,), 640, 480))
        edge = 2 * np.hypot(*(np.ptp(np.array(mask), 0) * (640, 480)))
        assert black - inside((mask,), 640, 480).sum() < 2 * 16 * edge
    plain = busy(640, 480, 3)
    assert encode_jpeg(plain.copy(), ReadOptions())[0] == encode_jpeg(plain, ReadOptions(), ())[0]


def test_masks_travel_from_the_settings_to_the_process_and_with_each_frame() -> None:
    settings = CameraSettings(uri="synthetic:", masks=[list(TRIANGLE), list(CORNER)])
    (spec,) = camera_specs([settings])
    assert spec.masks == (TRIANGLE, CORNER)
    told, _ = decode_task(encode_task(spec, ReadOptions()))
    assert told == spec
    assert decode_task(encode_task(CameraSpec("a", CameraKind.SYNTHETIC, "", ""), ReadOptions()))[0].masks == ()
    header = FrameHeader(FrameId("site", "cam", 1, 2), AT, 640, 480, 7, masks=spec.masks)
    assert FrameHeader.decode(header.encode()) == header
    assert FrameHeader.decode(FrameHeader(FrameId("site", "cam", 1, 2), AT, 640, 480, 7).encode()).masks == ()


@pytest.mark.parametrize("text", [b"{}x", b"[[[0,2]]]", b"[[[0,NaN]]]", b"[[0,1]]", b'[["ab"]]', b"[" * 9999, b"7"])
def test_masks_that_are_none_are_named(text: bytes) -> None:
    good = FrameHeader(FrameId("site", "cam", 1, 2), AT, 640, 480, 7).encode()
    with pytest.raises(BadRecord, match="header masks"):
        FrameHeader.decode([*good, ("masks", text)])
