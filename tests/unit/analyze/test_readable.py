import numpy as np
import pytest

from pipeline.analyze.opencv import cv2
from pipeline.analyze.readable import blur, readable, sharpness


def face_like(side: int = 48, seed: int = 1) -> np.ndarray:
    """Structure of every scale, as a face has."""
    rng = np.random.default_rng(seed)
    scales = [2 ** (k / 2) * side / 48 for k in range(1, 8)]
    layers = [cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), s) for s in scales]
    image = sum(layer / layer.std() for layer in layers)
    return np.clip(image / image.std() * 40 + 120, 0, 255).astype(np.uint8)


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def test_sharpness_falls_with_every_blur() -> None:
    values = [sharpness(face_like())] + [sharpness(blurred(face_like(), sigma)) for sigma in (1, 1.5, 2, 3, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 1.5 * values[-1]


@pytest.mark.parametrize("gain", [0.25, 0.5, 0.8])
def test_contrast_and_brightness_are_not_sharpness(gain: float) -> None:
    image = face_like()
    paler = (image * gain + 20).astype(np.uint8)
    assert sharpness(paler) == pytest.approx(sharpness(image), rel=0.03)
    assert blur(paler) < 0.8 * blur(image)


def test_noise_hardly_counts_as_sharpness() -> None:
    soft = blurred(face_like(), 3)
    noisy = np.clip(soft + np.random.default_rng(2).normal(0, 4, soft.shape), 0, 255).astype(np.uint8)
    assert sharpness(noisy) < sharpness(soft) + 0.5 * (sharpness(face_like()) - sharpness(soft))
    assert blur(noisy) > blur(face_like())  # which is why it does not decide


def test_sharpness_is_the_same_for_every_size_of_crop() -> None:
    large = face_like(112)
    same = cv2.resize(large, (48, 48), interpolation=cv2.INTER_AREA)
    assert sharpness(large) == sharpness(same)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_even_crop_is_flat_and_not_sharp(level: int) -> None:
    found = readable(np.full((48, 48), level, np.uint8))
    assert found["sharpness"] == found["contrast"] == found["blur"] == 0
    assert found["brightness"] == level
    assert found["saturated"] == (1 if level == 255 else 0)


def test_colour_is_measured_as_gray() -> None:
    gray = face_like(64)
    assert readable(np.repeat(gray[:, :, None], 3, 2)) == readable(gray)


def test_the_white_part_is_told() -> None:
    half = np.full((48, 48), 100, np.uint8)
    half[:, :24] = 255
    assert readable(half)["saturated"] == 0.5
    assert readable(half)["brightness"] == pytest.approx(177.5)
