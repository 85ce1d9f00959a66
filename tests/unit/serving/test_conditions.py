"""Poorer pictures: of the same shape, the same for the same seed, however they are batched."""

import numpy as np
import pytest

from serving.evaluation.conditions import CONDITIONS
from serving.evaluation.wording import condition
from tests.unit.serving.serving_examples import faces


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("side", [48, 96])
def test_one_seed_gives_one_set_of_pictures(name: str, side: int) -> None:
    pixels = faces(7).repeat(side // 48, 1).repeat(side // 48, 2)
    before = pixels.copy()
    found = CONDITIONS[name](pixels, np.random.default_rng(3))
    assert (found.shape, found.dtype) == (pixels.shape, np.uint8)
    random = np.random.default_rng(3)
    parts = [CONDITIONS[name](pixels[rows], random) for rows in (slice(3), slice(3, 7))]
    np.testing.assert_array_equal(np.concatenate(parts), found)
    np.testing.assert_array_equal(pixels, before)
    assert (found == pixels).all() == (name == "face_48_px" and side == 48)


def test_what_they_do() -> None:
    even = np.full((1, 48, 48), 100, np.uint8)
    random = np.random.default_rng(0)
    assert CONDITIONS["over_exposed"](even, random).min() == 250
    assert CONDITIONS["dark"](even, random).mean() == pytest.approx(25, abs=0.5)
    assert len(np.unique(CONDITIONS["low_contrast"](np.arange(256, dtype=np.uint8)[None, None], random))) == 52
    masked = CONDITIONS["lower_third_covered"](even, random)[0]
    assert (masked[:32] == 100).all()
    assert (masked[32:] == 128).all()
    left = np.zeros((20, 48, 48), np.uint8)
    left[:, :, :24] = 200
    tops = CONDITIONS["rotation_30"](left, random)[:, 0, 20:28].mean(1)
    assert len(np.unique(tops)) == 2  # some to one side, some to the other


def test_names_for_people() -> None:
    said = [condition(name) for name in ("face_24_px", "blur_1_px", "rotation_15", "jpeg_30", "over_exposed")]
    assert said == ["face of 24 px", "blur 1 px", "rotated by 15°", "JPEG quality 30", "over-exposed"]
