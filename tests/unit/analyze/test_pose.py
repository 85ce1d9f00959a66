import cmath
import math

import numpy as np
import pytest

from pipeline.analyze.pose import EYES, MOUTH_DEPTH, MOUTH_DOWN, NOSE_DEPTH, NOSE_DOWN, pose, roll

HEAD = np.array(
    [
        (-EYES / 2, 0, 0),
        (EYES / 2, 0, 0),
        (0, NOSE_DOWN, NOSE_DEPTH),
        (-25, MOUTH_DOWN, MOUTH_DEPTH),
        (25, MOUTH_DOWN, MOUTH_DEPTH),
    ]
)
"""Average landmarks in mm: right, down, towards the camera."""


def seen(yaw: float = 0, pitch: float = 0, roll: float = 0, scale: float = 1.0) -> list[complex]:
    """The head turned by degrees, seen from afar."""
    y, p = math.radians(yaw), math.radians(pitch)
    up = np.array([[1, 0, 0], [0, math.cos(p), -math.sin(p)], [0, math.sin(p), math.cos(p)]])
    aside = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    flat = HEAD @ (aside @ up).T * scale
    return [complex(x, y) * cmath.rect(1, math.radians(roll)) + 300 + 200j for x, y, _ in flat]


def test_a_face_that_looks_into_the_camera() -> None:
    assert pose(seen()) == (0, 0)
    assert roll(seen()) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("angle", [-45, -20, 10, 30])
def test_each_turn_is_read_on_its_own_axis(angle: float) -> None:
    assert pose(seen(yaw=angle)) == pytest.approx((angle, 0), abs=2)
    assert pose(seen(pitch=angle / 2)) == pytest.approx((0, angle / 2), abs=3)
    assert math.degrees(roll(seen(roll=angle))) == pytest.approx(angle, abs=1e-6)
    assert pose(seen(roll=angle, scale=0.2)) == pytest.approx((0, 0), abs=0.1)


def test_turns_together_are_still_about_right() -> None:
    yaw, pitch = pose(seen(yaw=25, pitch=10, roll=-15))
    assert yaw == pytest.approx(25, abs=6)
    assert pitch == pytest.approx(10, abs=6)


def test_landmarks_that_make_no_face_give_numbers_all_the_same() -> None:
    assert all(map(math.isfinite, pose([5 + 5j] * 5)))
    assert all(map(math.isfinite, pose([1j, 0, 0, 0, 0])))
