"""Which way a face looks, from five landmarks. Pure.

Estimates for sorting, not measurements: a face of average proportions seen from afar is assumed, so they are about
ten degrees off from person to person, and saturate beyond half profile.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence

EYES, NOSE_DEPTH = 63.0, 28.0  # mm: between the eyes; the tip of the nose before them
NOSE_DOWN, MOUTH_DOWN, MOUTH_DEPTH = 33.0, 61.0, 2.0  # mm below, and before, the line of the eyes
LEAST = 1e-6

Points = Sequence[complex]
"""x + iy of a face's five landmarks, ordered as in Detections."""


def roll(points: Points) -> float:
    """Radians; positive where the eye on the right of the picture is the lower one.

    Uses the line from eyes to mouth as well, which is still well seen where a face in profile hides one eye.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = points
    down = (left_mouth + right_mouth - left_eye - right_eye) / 2
    return cmath.phase(right_eye - left_eye + right_mouth - left_mouth - 1j * down)


def pose(points: Points) -> tuple[float, float]:
    """(yaw, pitch) in degrees. Yaw: positive towards the picture's right. Pitch: positive up."""
    left_eye, right_eye, tip, left_mouth, right_mouth = points
    upright = cmath.rect(1, -roll(points))
    eyes = (left_eye + right_eye) / 2
    nose = (tip - eyes) * upright
    mouth = ((left_mouth + right_mouth) / 2 - eyes) * upright
    apart = max(((right_eye - left_eye) * upright).real, LEAST)
    yaw = math.atan2(nose.real * EYES, apart * NOSE_DEPTH)
    part = nose.imag / max(mouth.imag, LEAST)
    pitch = math.atan2(NOSE_DOWN - MOUTH_DOWN * part, max(NOSE_DEPTH - MOUTH_DEPTH * part, LEAST))
    return round(math.degrees(yaw), 1), round(math.degrees(pitch), 1)
