"""What is measured of a picture, at any size."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analyze.opencv import cv2
from pipeline.analyze.sight.glance import LONGER, VIEW, glance
from pipeline.analyze.vision import Looked, Vision
from pipeline.errors import BadRecord
from pipeline.messages import FrameHeader, FrameId, checksum
from pipeline.settings import SightSettings, load
from tests.frames import AT, JPEG, Even, OneFace
from tests.unit.analyze.sight.pictures import blurred, noisy, seen, synthetic


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (48, 64), (96, 96), (240, 320), (1080, 1920)])
def test_pictures_of_any_size_are_measured(size: tuple[int, int]) -> None:
    flat = glance(np.full((*size, 3), 90, np.uint8))
    assert (flat.light, flat.shade, flat.texture, flat.sharpness) == (90, 90, 0, None)
    assert flat.edges.shape == (VIEW[1], VIEW[0], 2)
    assert flat.points.shape == (48, 64)


def test_light_and_shade_are_levels_that_parts_of_the_picture_do_not_exceed() -> None:
    ramp = np.repeat(np.linspace(0, 250, 320).astype(np.uint8)[None, :], 240, axis=0)
    measured = glance(ramp)
    assert measured.light == pytest.approx(0.95 * 250, abs=5)
    assert measured.shade == pytest.approx(0.15 * 250, abs=5)


def test_sharpness_falls_with_blur_whatever_the_noise_and_the_light() -> None:
    image = synthetic(1, people="3")[0]
    measured = [seen(blurred(sigma)(image)).sharpness or 0 for sigma in (1, 3, 6, 12)]
    assert measured == sorted(measured, reverse=True)
    assert measured[0] > 0.65
    assert measured[2] < 0.58
    assert seen(noisy(image, 1, 6)).sharpness == pytest.approx(measured[0], abs=0.06)
    assert seen((image // 3).astype(np.uint8)).sharpness == pytest.approx(measured[0], abs=0.06)


def test_the_same_view_at_another_resolution_measures_the_same() -> None:
    image = synthetic(1, people="3", size="1280x960")[0]
    large, small = seen(image), seen(cv2.resize(image, (640, 480), interpolation=cv2.INTER_AREA))
    assert large.sharpness == pytest.approx(small.sharpness, abs=0.05)
    assert large.texture == pytest.approx(small.texture, abs=0.05)
    cosine = np.vdot(large.edges, small.edges) / np.linalg.norm(large.edges) / np.linalg.norm(small.edges)
    assert cosine > 0.95


def test_too_few_pixels_are_neither_sharp_nor_blurred() -> None:
    image = synthetic(1)[0]
    assert glance(cv2.resize(image, (LONGER // 2, 60))).sharpness is None


@pytest.mark.parametrize("enabled", [True, False])
def test_every_frame_that_is_decoded_has_a_glance_where_it_is_wanted(enabled: bool) -> None:
    frame = FrameHeader(FrameId("site", "cam", 1, 0), AT, 160, 120, checksum(JPEG)), JPEG
    looked, bad = Vision(load(sight=SightSettings(enabled=enabled)), OneFace(), Even()).look([frame, (frame[0], b"")])
    assert isinstance(looked, Looked)
    assert isinstance(bad, BadRecord)
    assert (looked.seen.glance is not None) == ("sight" in looked.seen.timings) == enabled
