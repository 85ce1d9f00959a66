"""Apparent expressions as movements of a drawn face, and the script that says who shows which when. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True)
class Pose:
    """How far each part has moved from rest, about -1..1; eyes and mouth width as factors.

    After the action units of the Facial Action Coding System (Ekman and Friesen, 1978), named in the comments.
    """

    inner_brow: float = 0.0  # AU1 up, AU4 down
    outer_brow: float = 0.0  # AU2 up
    frown: float = 0.0  # AU4, brows drawn together
    eye_open: float = 1.0  # AU5 above 1, AU43 below
    cheek: float = 0.0  # AU6
    nose_wrinkle: float = 0.0  # AU9
    upper_lip: float = 0.0  # AU10
    corner: float = 0.0  # AU12 up, AU15 down
    mouth_width: float = 1.0  # AU20 above 1
    mouth_open: float = 0.0  # AU25, AU26
    teeth: float = 0.0
    lip_press: float = 0.0  # AU24

    def towards(self, other: Pose, part: float) -> Pose:
        """Between the two: `part` 0 is this one, 1 the other."""
        mine, theirs = dataclasses.astuple(self), dataclasses.astuple(other)
        return Pose(*(a + (b - a) * part for a, b in zip(mine, theirs, strict=True)))


POSES = {
    "neutral": Pose(),
    "happy": Pose(
        inner_brow=0.4, outer_brow=0.5, eye_open=0.6, cheek=1.0, upper_lip=0.5, corner=1.25, mouth_width=1.28,
        mouth_open=0.26, teeth=1.0,
    ),
    "sad": Pose(inner_brow=0.95, outer_brow=-0.5, frown=0.6, eye_open=0.68, corner=-0.95, mouth_width=0.88),
    "surprise": Pose(inner_brow=1.0, outer_brow=1.0, eye_open=1.5, mouth_width=0.72, mouth_open=1.15, teeth=0.15),
    "angry": Pose(
        inner_brow=-1.4, outer_brow=-0.3, frown=1.15, eye_open=0.62, nose_wrinkle=0.8, upper_lip=0.2, corner=-0.9,
        mouth_width=0.9, lip_press=0.5,
    ),
    "fear": Pose(
        inner_brow=1.0, outer_brow=0.35, frown=0.7, eye_open=1.45, corner=-0.4, mouth_width=1.2, mouth_open=0.5,
        teeth=0.6,
    ),
    "disgust": Pose(
        inner_brow=-0.65, outer_brow=-0.2, frown=0.7, eye_open=0.58, cheek=0.6, nose_wrinkle=1.0, upper_lip=1.0,
        corner=-0.6, mouth_open=0.14, teeth=0.8,
    ),
}  # fmt: skip

HOLD_SECONDS = 3.0
CHANGE_SECONDS = 0.4
STEPS = 3  # pictures of a change


@dataclass(frozen=True)
class Moment:
    """What a face shows: on its way from one expression to the next, `step` of STEPS; 0 is at rest in `previous`."""

    previous: str
    next: str
    step: int

    @property
    def expression(self) -> str:
        """The one it shows for the most part."""
        return self.next if 2 * self.step > STEPS else self.previous

    @property
    def pose(self) -> Pose:
        return POSES[self.previous].towards(POSES[self.next], self.step / STEPS)


class Script:
    """One face's expressions over time: each held for three seconds, in an order of its own, again and again."""

    def __init__(self, order: tuple[str, ...], shift: float = 0.0) -> None:
        self._order = order
        self._shift = shift

    def at(self, time: float) -> Moment:
        """`time`: seconds from the start."""
        turn, into = divmod(time + self._shift, HOLD_SECONDS)
        now = self._order[int(turn) % len(self._order)]
        following = self._order[(int(turn) + 1) % len(self._order)]
        left = HOLD_SECONDS - into
        step = 0 if left >= CHANGE_SECONDS or now == following else int(STEPS * (1 - left / CHANGE_SECONDS)) + 1
        return Moment(now, now, 0) if step == 0 else Moment(now, following, min(step, STEPS - 1))
