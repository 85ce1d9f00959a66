"""What is given up while analyzers are behind, in a stated order: previews, readings of the cameras that need most,
every second frame, readings of all, frames.

How far behind: the age of the oldest frame that was read of late. A step is taken as soon as that reaches its bound,
and taken back when it has come down to half of it. Pure.
"""

from __future__ import annotations

import math

from pipeline.messages import OVERLOAD, THINNED, FrameHeader
from pipeline.settings import OverloadSettings

NO_PREVIEWS = "no_previews"
EVEN_READINGS = "even_readings"
HALF_FRAMES = "half_frames"
FEWER_READINGS = "fewer_readings"
DROP = "drop"
STEPS = (NO_PREVIEWS, EVEN_READINGS, HALF_FRAMES, FEWER_READINGS, DROP)

LONGER = 4.0  # times that a reading holds while there are to be fewer
LEVEL = 64.0  # readings a second and camera, from which on they are made even
LOWER = 0.7  # of it, after each second in which frames did not come to wait less
LEAST_LEVEL = 1.0


class Overload:
    """For one analyzer's loop."""

    def __init__(self, settings: OverloadSettings) -> None:
        self._bounds: dict[str, float] = {
            step: getattr(settings, f"{step}_seconds")
            for step in STEPS
            if getattr(settings, f"{step}_seconds") is not None
        }
        self._oldest: float | None = None
        self._taken: tuple[str, ...] = ()
        self._behind = 0.0
        self._level = math.inf

    @property
    def behind(self) -> float:
        """Seconds, when it was judged last."""
        return self._behind

    @property
    def taken(self) -> tuple[str, ...]:
        """The steps in force, in their order."""
        return self._taken

    @property
    def hold(self) -> float:
        """By how many times longer a reading holds than the settings say."""
        return LONGER if FEWER_READINGS in self._taken else 1.0

    def level(self, live: bool) -> float:
        """Readings a second that a camera gets at most. Files and the like wait: they get what they need.

        It falls until frames wait less, so the cameras that need the most give up readings first: a crowd's, while a
        room with one face gets all of its own as long as they are below.
        """
        return self._level if live else math.inf

    def read(self, age: float) -> None:
        """A frame was read that has waited so many seconds."""
        self._oldest = max(self._oldest or 0.0, age)

    def judge(self, idle: bool) -> None:
        """The steps that follow from what was read since the last time; call it about once a second.

        `idle`: there is nothing to do. When nothing was read and there is, all stays as it was: reading pauses.
        """
        oldest, self._oldest = self._oldest, None
        if oldest is None and not idle:
            return
        before, self._behind = self._behind, oldest or 0.0
        behind = self._behind
        self._taken = tuple(
            step
            for step, bound in self._bounds.items()
            if behind >= bound or (step in self._taken and behind > bound / 2)
        )
        if EVEN_READINGS not in self._taken:
            self._level = math.inf
        elif behind >= before:
            self._level = max(LEAST_LEVEL, min(self._level, LEVEL / LOWER) * LOWER)

    def dropped(self, header: FrameHeader, age: float) -> str:
        """Why this frame is not looked at, "" for one that is. Files and the like wait: nothing of them is dropped."""
        if not header.live:
            return ""
        if DROP in self._taken and age >= self._bounds[DROP]:
            return OVERLOAD
        return THINNED if HALF_FRAMES in self._taken and header.frame_id.seq % 2 else ""
