"""A mask is no sign that a camera is covered, dark or frozen; and no camera is taken to see because of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from pipeline.analyze.decode import Picture
from pipeline.analyze.image import Image
from pipeline.analyze.opencv import cv2
from pipeline.analyze.sight.glance import Glance, glance
from pipeline.analyze.sight.monitor import SightMonitor
from pipeline.analyze.sight.shown import Shown
from pipeline.masks import Polygons, blacken
from pipeline.settings import SightSettings
from tests.unit.analyze.sight.pictures import at, brightened, dimmed, noisy, play, synthetic

MOST = (((0.0, 0.0), (0.62, 0.0), (0.62, 1.0), (0.0, 1.0)),)  # all but one person of three
ASLANT = (((0.1, 0.0), (0.9, 0.1), (0.5, 0.8)),)
MASKS = [MOST, ASLANT]
FPS = 5


def seen(images: Iterable[Image], masks: Polygons, told: bool = True) -> list[Glance | None]:
    """As analyze sees what capture sends; `told`: whether it knows of the masks."""
    found = []
    for image in images:
        masked = image.copy()
        blacken(masked, masks)
        height, width = masked.shape[:2]
        jpeg = cv2.imencode(".jpg", masked, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
        picture = Picture(jpeg, width, height, 320)
        found.append(glance(picture.small.image, Shown(masks, (width, height)) if told else None))
    return found


def told(glances: list[Glance], seconds: float = 40) -> set[str]:
    return set(play(SightMonitor(SightSettings()), glances, 0, seconds, FPS))


@pytest.mark.parametrize("masks", MASKS)
def test_a_camera_behind_a_mask_sees(masks: Polygons) -> None:
    room = [noisy(image, shot) for shot, image in enumerate(synthetic(20, FPS, people="3"))]
    assert told(seen(room, masks)) == {""}


@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize(
    ("change", "sight"),
    [
        (dimmed(0.03), "dark"),
        (lambda image: brightened(4)(np.maximum(image, 62)), "overexposed"),
        (lambda image: noisy(np.full_like(image, 130)), "covered"),
    ],
)
def test_what_is_left_of_it_may_be_blind(masks: Polygons, change: Callable[[Image], Image], sight: str) -> None:
    spoilt = [change(image) for image in synthetic(10, FPS, people="3")]
    assert sight in told(seen(spoilt, masks))


def test_without_knowing_of_the_mask_it_would_not_be_told() -> None:
    bright = [brightened(4)(np.maximum(image, 62)) for image in synthetic(10, FPS, people="3")]
    assert "overexposed" not in told(seen(bright, MOST, told=False))


def test_a_change_of_masks_is_no_change_of_the_picture_that_stands_still() -> None:
    still = synthetic(1)
    monitor = SightMonitor(SightSettings())
    (first,), (second,) = seen(still, MOST), seen(still, ASLANT)
    for second_ in range(10):
        assert monitor.update(first, at(second_)) == ""
    assert "frozen" not in {monitor.update(second, at(10 + n)) for n in range(10)}
    assert "frozen" in {monitor.update(second, at(20 + n)) for n in range(20)}


def test_of_a_picture_that_is_masked_all_over_nothing_is_said() -> None:
    everything = (((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)),)
    assert seen(synthetic(1), everything) == [None]
