"""Time as cameras tell it. What tells the time is an argument: tests set the clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """`wall`: Unix time in seconds, which somebody may set. `steady`: seconds that only ever pass, the same in all
    processes of this machine."""

    def wall(self) -> float: ...

    def steady(self) -> float: ...


class SystemClock:
    """The machine's own."""

    def wall(self) -> float:
        return time.time()

    def steady(self) -> float:
        return time.monotonic()


@dataclass(frozen=True)
class SessionClock:
    """The time within one session: the wall clock's at its start, and from there on as the steady clock goes. So the
    times of a session's frames and ledger records are in one order, whatever becomes of the wall clock meanwhile.

    `start`: Unix time, and `began`: steady time, of the same moment; seconds.
    """

    start: float
    began: float

    @classmethod
    def of(cls, clock: Clock) -> SessionClock:
        return cls(clock.wall(), clock.steady())

    def at(self, steady: float) -> datetime:
        return datetime.fromtimestamp(self.start, UTC) + timedelta(seconds=steady - self.began)

    def set_by(self, clock: Clock) -> float:
        """Seconds that the wall clock was set ahead since the start; back, where less than 0."""
        return (clock.wall() - self.start) - (clock.steady() - self.began)
