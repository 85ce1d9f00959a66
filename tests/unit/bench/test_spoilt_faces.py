import math

import numpy as np
import pytest

from pipeline.analyze.crop import Square
from pipeline.bench.faces import FRAME, SIDE, ZOOM, staged
from pipeline.bench.framing import FER2013_MARKS, SERVED, fitted, in_crop, rules, shifted
from pipeline.bench.spoil import CHANGES


def points(square: Square) -> list[complex]:
    """FER2013's landmarks of a face that the square frames."""
    turn = square.side * complex(math.cos(square.angle), math.sin(square.angle))
    return [complex(square.x, square.y) + turn * (mark - 0.5 - 0.5j) for mark in FER2013_MARKS]


@pytest.mark.parametrize("angle", [0, 0.4, -1])
def test_landmarks_tell_the_square_they_come_from(angle: float) -> None:
    square = Square(200, 150, 80, angle)
    assert fitted((0, 0, 1, 1), points(square), 0) == pytest.approx(square)
    assert fitted((0, 0, 1, 1), points(square), 0.1).side == pytest.approx(96)
    assert in_crop(points(square), square) == pytest.approx(list(FER2013_MARKS))


def test_a_shift_follows_the_head() -> None:
    box, marks = (100, 100, 60, 80), points(Square(130, 140, 80, math.pi / 2))
    still, moved = (shifted(box, marks, 0, down) for down in (0, 0.1))
    assert moved.x == pytest.approx(still.x - 0.1 * still.side, abs=0.1)
    assert moved.y == pytest.approx(still.y, abs=0.2)


def test_every_rule_frames_a_face_with_or_without_landmarks() -> None:
    for rule in rules(0.05).values():
        for marks in (None, points(Square(130, 140, 80, 0.1))):
            assert 40 < rule((100, 100, 60, 80), marks).side < 130
    assert rules(0.05)[SERVED]((0, 0, 77.2, 98.2), None).side == pytest.approx(110)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change.name} {change.level}")
def test_spoilt_frames_are_pictures_with_the_face_where_it_is_said(change: object) -> None:
    face = np.zeros((SIDE, SIDE), np.uint8)
    face[12:36, 12:36] = 200
    frame = change.apply(staged(face))  # type: ignore[attr-defined]
    assert frame.dtype == np.uint8
    assert frame.shape[0] * FRAME[0] == pytest.approx(frame.shape[1] * FRAME[1], rel=0.05)
    x, y = (int(part * side) for part, side in zip(change.middle, frame.shape[::-1], strict=True))  # type: ignore[attr-defined]
    if change.name != "dark":  # type: ignore[attr-defined]
        assert frame[min(y, len(frame) - 1), min(x, frame.shape[1] - 1)] > frame.mean()


def test_a_staged_face_is_in_the_middle() -> None:
    face = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE), np.uint8)
    frame = staged(face)
    assert frame.shape == FRAME[::-1]
    top, left = (FRAME[1] - SIDE * ZOOM) // 2, (FRAME[0] - SIDE * ZOOM) // 2
    within = frame[top : top + SIDE * ZOOM, left : left + SIDE * ZOOM]
    assert abs(within[::ZOOM, ::ZOOM].astype(int) - face).mean() < 40
    assert (frame[:, left - 1] == frame[:, left + 1]).all()  # mirrored at its edge
