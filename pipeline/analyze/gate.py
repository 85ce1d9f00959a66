"""Which faces are shown to the model, and why the others are not. Pure.

The model answers whatever it is shown, and on what cannot be read its answers lean to a few classes. The limits and
what they were measured on: docs/decisions/0007.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.messages import Quality
from pipeline.settings import QualitySettings

TOO_SMALL = "too_small"
UNSURE_DETECTION = "unsure_detection"
CUT_OFF = "cut_off"
TURNED = "turned"
DARK = "dark"
OVEREXPOSED = "overexposed"
FLAT = "flat"
BLURRED = "blurred"


@dataclass(frozen=True, slots=True)
class Gate:
    """`min_face_px`: the least shorter side of a face's box, pixels of the captured frame."""

    limits: QualitySettings
    min_face_px: float

    def __call__(self, quality: Quality, confidence: float) -> str:
        """Why a face is not read, "" when it is. What is not known of it (None) does not stop it.

        So it can be asked before a crop is made, and again with what the crop shows. `confidence`: the detector's.
        """
        at = self.limits
        if quality.size_px < self.min_face_px:
            return TOO_SMALL
        if confidence < at.min_confidence:
            return UNSURE_DETECTION
        if _below(quality.inside, at.min_inside):
            return CUT_OFF
        turns = ((quality.yaw, at.max_yaw), (quality.pitch, at.max_pitch), (quality.roll, at.max_roll))
        if any(_above(None if turn is None else abs(turn), limit) for turn, limit in turns):
            return TURNED
        if _below(quality.brightness, at.min_brightness):
            return DARK
        if _above(quality.saturated, at.max_saturated):
            return OVEREXPOSED
        if _below(quality.contrast, at.min_contrast):
            return FLAT
        if _below(quality.sharpness, at.min_sharpness):
            return BLURRED
        return ""


def _below(value: float | None, least: float) -> bool:
    return value is not None and value < least


def _above(value: float | None, most: float) -> bool:
    """A limit of 0 is none."""
    return value is not None and 0 < most < value
