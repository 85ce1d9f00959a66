"""When a silent camera counts as down, and how long to wait before the next try. Pure: times in seconds."""

from __future__ import annotations

START_SECONDS = 30.0  # a new process may take so long to say its first word: many may start at once


class Watchdog:
    """Of one connection. Fed with what the camera process says; asked whether it has been silent for too long.

    `resuming`: before its first frame it passes over those an earlier process gave, and its words count meanwhile.
    """

    def __init__(self, now: float, connect_timeout: float, stall_timeout: float, resuming: bool = False) -> None:
        self._connect = connect_timeout
        self._stall = stall_timeout
        self._resuming = resuming
        self._streaming = False
        self._opening = False
        self._limit = START_SECONDS
        self._since = now

    @property
    def deadline(self) -> float:
        return self._since + self._limit

    def expired(self, now: float) -> bool:
        return now >= self.deadline

    def alive(self, now: float) -> None:
        """The process lives, though no frame came: it opens the source, or waits for a frame's time."""
        if self._streaming or (self._opening and self._resuming):
            self._since = now
        elif not self._opening:  # only the first word starts the clock of connecting
            self._opening, self._since, self._limit = True, now, self._connect

    def frame(self, now: float, fps: float | None) -> None:
        """A frame came. `fps`: how many of them are to be expected; a slow camera is given three intervals."""
        self._streaming = True
        self._since = now
        self._limit = max(self._stall, 3.0 / fps) if fps else self._stall

    def held_up(self, now: float) -> None:
        """We did not listen until now."""
        if self._streaming:
            self._since = now

    @property
    def reason(self) -> str:
        if self._streaming:
            return f"no frame for {self._limit:g} s"
        return f"no first frame within {self._limit:g} s"


class Backoff:
    """Pauses that double from `first` to `most` seconds, each cut by up to a half at random."""

    def __init__(self, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._next = first

    def pause(self, chance: float) -> float:
        """`chance`: a random number, 0 <= chance < 1."""
        pause = min(self._next, self._most)
        self._next = min(2 * pause, self._most)
        return pause * (1.0 - 0.5 * chance)

    def reset(self) -> None:
        self._next = self._first
