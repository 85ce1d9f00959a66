"""Cameras by their pictures, and what may happen to pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from pipeline.analyze.decode import Picture
from pipeline.analyze.image import Image
from pipeline.analyze.opencv import cv2
from pipeline.analyze.sight.glance import Glance, glance
from pipeline.analyze.sight.monitor import SightMonitor
from pipeline.capture.synthetic import SyntheticSource

START = datetime(2026, 1, 1, tzinfo=UTC)
Change = Callable[[Image], Image]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def seen(image: Image) -> Glance:
    """As analyze sees a frame: through JPEG, reduced for detection."""
    height, width = image.shape[:2]
    jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    return glance(Picture(jpeg, width, height, 320).small.image)


def synthetic(frames: int, fps: float = 5, **options: str) -> list[Image]:
    """Of the camera that the demo uses."""
    source = SyntheticSource.from_options({"people": "1", "seed": "1", **options}, fps)
    source.open()
    images = []
    for _ in range(frames):
        source.grab()
        images.append(source.picture().image)
    return images


def clip(path: Path, most: int = 400) -> tuple[list[Image], float]:
    """Its frames, and how many a second."""
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    images: list[Image] = []
    while len(images) < most:
        there, image = video.read()
        if not there:
            break
        images.append(image)
    return images, float(video.get(cv2.CAP_PROP_FPS))


def photo(path: Path, shots: int = 8) -> list[Image]:
    """As a camera with some noise would give it again and again."""
    image = cv2.imread(str(path))
    scale = min(1.0, 640 / max(image.shape[:2]))
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return [noisy(image, shot) for shot in range(shots)]


def noisy(image: Image, seed: int = 0, deviation: float = 2.0) -> Image:
    rng = np.random.default_rng(seed)
    return np.clip(image + rng.normal(0, deviation, image.shape), 0, 255).astype(np.uint8)


def dimmed(part: float) -> Change:
    return lambda image: noisy((image * part).astype(np.uint8))


def brightened(times: float) -> Change:
    return lambda image: np.clip(image * float(times), 0, 255).astype(np.uint8)


def blurred(sigma: float) -> Change:
    """`sigma`: pixels of a picture 640 wide."""
    return lambda image: noisy(cv2.GaussianBlur(image, (0, 0), sigma * max(image.shape[:2]) / 640))


def covered(image: Image) -> Image:
    """By a hand: no edges, some shade."""
    height, width = image.shape[:2]
    shade = 90 + 20 * np.linspace(0, 1, width)[None, :] + 15 * np.sin(np.linspace(0, 3, height))[:, None]
    return noisy(np.repeat(shade[..., None], 3, axis=2).astype(np.uint8))


def turned(image: Image) -> Image:
    """The camera now looks aside, and a little down: what the mirror shows is new."""
    height, width = image.shape[:2]
    by = np.array([[1, 0, 0.4 * width], [0, 1, -0.25 * height]])
    return np.asarray(cv2.warpAffine(image, by, (width, height), borderMode=cv2.BORDER_REFLECT_101), np.uint8)


def passer_by(image: Image, part: float) -> Image:
    """Somebody in a striped coat stands before `part` of the picture's width."""
    image = image.copy()
    width = image.shape[1]
    left, right = int((1 - part) / 2 * width), int((1 + part) / 2 * width)
    stripes = 70 + 50 * (np.arange(right - left) // 9 % 2)
    image[:, left:right] = stripes[None, :, None]
    return noisy(image)


def play(monitor: SightMonitor, glances: Sequence[Glance], since: float, until: float, fps: float) -> list[str]:
    """The pictures over and over from one time to another; what was told of each."""
    count = round((until - since) * fps)
    return [monitor.update(glances[n % len(glances)], at(since + n / fps)) for n in range(count)]


def turns(told: Sequence[str], fps: float) -> list[tuple[float, str]]:
    """When another thing was told, in seconds from the first, and what."""
    return [(n / fps, now) for n, (before, now) in enumerate(pairwise(["", *told])) if now != before]
