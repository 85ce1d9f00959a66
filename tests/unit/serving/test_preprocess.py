"""The one preprocessing function: colours, sizes, normalisation and what it refuses."""

import numpy as np
import pytest
import torch

from serving.errors import CropError
from serving.inference.preprocess import Preprocessing, as_channels
from tests.unit.serving.serving_examples import faces


def test_gray_of_the_right_size_is_only_scaled() -> None:
    pictures = faces(3)
    found = Preprocessing(48)(list(pictures))
    torch.testing.assert_close(found[:, 0], torch.from_numpy(pictures).float() / 255)


def test_colours_are_blue_first() -> None:
    blue = np.zeros((48, 48, 3), np.uint8)
    blue[..., 0] = 255
    assert Preprocessing(48)([blue]).mean().item() == pytest.approx(0.114, abs=1e-6)
    gray = np.repeat(faces(1)[0][..., None], 3, 2)
    torch.testing.assert_close(Preprocessing(48)([gray]), Preprocessing(48)([faces(1)[0]]), atol=1e-6, rtol=0)


def test_mixed_sizes_equal_each_alone() -> None:
    prepare = Preprocessing(48, "per_crop")
    crops = [faces(1)[0], faces(1)[0][:30, :20], np.stack([faces(1)[0]] * 3, 2)]
    torch.testing.assert_close(prepare(crops), torch.cat([prepare([crop]) for crop in crops]))
    assert prepare([]).shape == (0, 1, 48, 48)


def test_each_crop_has_mean_0_and_deviation_1() -> None:
    found = Preprocessing(48, "per_crop")([faces(1)[0] // 8 + 100])
    assert found.mean().item() == pytest.approx(0, abs=1e-5)
    assert found.std(correction=0).item() == pytest.approx(1, abs=1e-3)


def test_an_even_crop_stays_even() -> None:
    assert Preprocessing(48, "per_crop")([np.full((48, 48), 77, np.uint8)]).abs().max().item() < 1e-4


@pytest.mark.parametrize(
    "crop",
    [
        np.zeros((48, 48)),
        np.zeros((48, 48, 4), np.uint8),
        np.zeros((48,), np.uint8),
        np.zeros((0, 48), np.uint8),
        np.zeros((48, 2000), np.uint8),
        "face",
    ],
)
def test_what_is_no_crop(crop: object) -> None:
    with pytest.raises(CropError):
        Preprocessing(48)([crop])  # type: ignore[list-item]


def test_channels_repeat_the_gray() -> None:
    faces3 = as_channels(torch.rand(2, 1, 4, 4), 3)
    assert torch.equal(faces3[:, 0], faces3[:, 2])
