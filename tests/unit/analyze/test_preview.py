"""Nobody's face can be told in a preview: not one that was found, and not one that was not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analyze.detect import FaceDetector, make
from pipeline.analyze.preview import Previews
from pipeline.bench.previews import Portrait, found_in, gallery_of, probes_of, published, rank_one
from pipeline.messages import Box
from pipeline.settings import DetectSettings, PrivacySettings
from pipeline.sketch import preview, sketch
from tests.frames import AT

CELLS = PrivacySettings().preview_cells
PEOPLE = 30
PARTS = (0.6, 0.3)  # of the frame's width: a face that fills the frame, and one that is near
fraction = st.floats(0, 0.7)
boxes = st.builds(Box, x=fraction, y=fraction, width=st.floats(0.02, 0.3), height=st.floats(0.02, 0.3))


@settings(max_examples=60, deadline=None)
@given(st.lists(boxes, min_size=1, max_size=3), st.integers(0, 9))
def test_nothing_of_a_face_that_was_found_is_in_a_preview(faces: list[Box], seed: int) -> None:
    """Pictures that differ in their faces alone have the same preview, to the last byte."""
    rng = np.random.default_rng(seed)
    one = rng.integers(0, 255, (240, 320, 3), np.uint8)
    other = one.copy()
    for face in faces:
        top, bottom = (int(part * 240) for part in (face.y, face.y + face.height))
        left, right = (int(part * 320) for part in (face.x, face.x + face.width))
        other[top:bottom, left:right] = rng.integers(0, 255, other[top:bottom, left:right].shape, np.uint8)
    assert preview(sketch(one, CELLS), faces) == preview(sketch(other, CELLS), faces)


@pytest.mark.parametrize(("size", "cells"), [((320, 240), (8, 6)), ((240, 320), (6, 8)), ((320, 10), (8, 1))])
def test_a_preview_is_a_few_values(size: tuple[int, int], cells: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), np.uint8)
    jpeg, *shape = preview(sketch(picture, CELLS), [])
    assert tuple(shape) == cells
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (*cells[::-1], 3)
    assert len(jpeg) < 1000


@pytest.fixture(scope="module")
def detectors() -> list[FaceDetector]:
    folder = Path(os.environ["EMOSTREAM_MODEL_DIR"]) if "EMOSTREAM_MODEL_DIR" in os.environ else None
    return [make(DetectSettings(detector=name), folder) for name in ("auto", "haar")]


@cache
def people(part: float) -> tuple[list[Portrait], list[Portrait]]:
    return gallery_of(PEOPLE, part), list(probes_of(PEOPLE, part))


@pytest.mark.parametrize("part", PARTS)
def test_a_face_that_was_not_found_is_not_found_in_its_preview(detectors: list[FaceDetector], part: float) -> None:
    _, probes = people(part)
    for detector in detectors:
        assert sum(found_in(detector, each.image) for each in probes[::4]) > len(probes[::4]) / 2
        assert not any(found_in(detector, published(each.image, CELLS)) for each in probes[::2])


@pytest.mark.parametrize(("part", "most"), [(0.6, 14), (0.3, 7)])
def test_nor_is_it_told_from_others(part: float, most: int) -> None:
    """Matched with the originals: a near face no more often than by chance (2 of 60, and 7 less often than once in a
    thousand times), one that fills the frame little more often, by its hair. The pictures themselves: far more often.
    """
    gallery, probes = people(part)
    blurred = [Portrait(each.who, published(each.image, CELLS)) for each in probes]
    assert sum(rank_one(gallery, blurred, part)) <= most
    assert sum(rank_one(gallery, probes, part)) > 2 * most


def test_one_a_second_of_the_cameras_own_time() -> None:
    previews = Previews(timedelta(seconds=1))
    times = [0, 0.4, 0.9, 1.0, 1.9, 2.5, 60, 59.9, 3, 3.5, 4.1]
    assert [each for each in times if previews.due(AT + timedelta(seconds=each))] == [0, 1.0, 2.5, 60, 59.9, 3, 4.1]


def test_where_a_face_was_a_moment_ago_stays_filled() -> None:
    previews = Previews(timedelta(seconds=1))
    faces = [Box(x=n / 10, y=0, width=0.1, height=0.1) for n in range(4)]
    for second, face in enumerate(faces):
        previews.saw(AT + timedelta(seconds=second), [face])
    assert previews.to_fill() == faces[1:]
    previews.saw(AT - timedelta(hours=1), [])
    assert previews.to_fill() == []


def clips(data: Path) -> Iterator[np.ndarray]:
    """A frame a second of each clip, and the photos."""
    for path in sorted((data / "videos").glob("*.[mg]*")):
        source = cv2.VideoCapture(str(path))
        for number in range(90):
            if not source.grab():
                break
            if number % 30 == 10:
                yield source.retrieve()[1]
    for path in sorted((data / "photos").glob("*.*g")):
        yield cv2.imread(str(path))


def test_no_face_of_a_clip_is_found_in_its_preview(shared_data: Path, detectors: list[FaceDetector]) -> None:
    """Neither where it was filled nor where it was not; by the detector that was used nor by the other one."""
    best, other = detectors
    found = 0
    for frame in clips(shared_data):
        small = cv2.resize(frame, (320, round(320 * frame.shape[0] / frame.shape[1])), interpolation=cv2.INTER_AREA)
        height, width = small.shape[:2]
        (faces,) = best.detect([small])
        found += len(faces)
        filled = [
            Box(x=x / width, y=y / height, width=w / width, height=h / height) for x, y, w, h in faces.boxes.tolist()
        ]
        for boxes_ in ([], filled):
            for detector in (best, other):
                assert not found_in(detector, published(small, CELLS, boxes_))
    assert found > 40
