"""A state that comes and goes slowly: hysteresis in the measure and in time. Pure."""

from __future__ import annotations


class Latch:
    """On after `enter` seconds of bad pictures, off after `leave` seconds of good ones.

    A picture may be neither: that keeps the latch where it is. Pictures to the contrary count back, so that one
    among many changes nothing. Time counts between two pictures that say the same, so the frame rate does not matter.
    `turning`: seconds since the first picture that spoke for the change that is coming, or has just come.
    """

    def __init__(self, enter: float, leave: float) -> None:
        self.on = False
        self.turning = 0.0
        self._enter = enter
        self._leave = leave
        self._level = 0.0  # from 0, where it goes off, to 1, where it goes on
        self._rising = False

    def update(self, bad: bool, good: bool, seconds: float) -> bool:
        """`seconds`: since the picture before. Whether it is on."""
        before = self._level
        rising = not good if self.on else bad
        if rising == self._rising:
            change = seconds / self._enter if rising else -seconds / self._leave
            self._level = min(1.0, max(0.0, before + change))
        self._rising = rising
        at_rest = self._level == before == float(self.on)
        self.turning = 0.0 if at_rest else self.turning + seconds
        self.on = self._level == 1.0 or (self.on and self._level > 0.0)
        return self.on

    def set(self, on: bool) -> None:
        """As if it had been so for long."""
        self.on = self._rising = on
        self._level = float(on)
        self.turning = 0.0
