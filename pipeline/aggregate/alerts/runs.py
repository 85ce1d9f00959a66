"""How long something has held, counted in windows. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.aggregate.panes import EPOCH
from pipeline.aggregate.windows import Spec
from pipeline.messages import Window, WindowRef

REFS = 10  # windows that an alert names


@dataclass(slots=True)
class Run:
    """Windows in which it held. `since`: start of the first, `last`: end of the last one; `windows`: the latest ten."""

    count: int = 0
    since: datetime = EPOCH
    last: datetime = EPOCH
    windows: list[WindowRef] = field(default_factory=list)

    def add(self, window: Window, patience: timedelta) -> None:
        """One more window. After a longer gap than `patience` it begins anew."""
        self.expire(window, patience)
        if not self.count:
            self.since = window.start
        self.count += 1
        self.last = window.end
        self.windows = [*self.windows, WindowRef(key=window.key, revision=window.revision)][-REFS:]

    def expire(self, window: Window, patience: timedelta) -> None:
        """The window cannot be judged: it is passed over, unless that has been going on for too long."""
        if self.count and window.start - self.last > patience:
            self.reset()

    def reset(self) -> None:
        self.count, self.since, self.last, self.windows = 0, EPOCH, EPOCH, []


@dataclass(frozen=True, slots=True)
class Hold:
    """How long something must hold: `windows` in a row. Those that cannot be judged are passed over, for `patience`."""

    windows: int
    patience: timedelta

    @classmethod
    def of(cls, seconds: int, spec: Spec) -> Hold:
        """As many windows as reach from the start of the first to the end of the last one over these seconds."""
        length = timedelta(seconds=seconds)
        more = -((spec.length - length) // spec.every) if length > spec.length else 0
        return cls(1 + more, max(length, spec.length))

    def reached(self, run: Run) -> bool:
        return run.count >= self.windows
