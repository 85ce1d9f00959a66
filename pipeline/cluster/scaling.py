"""How many analyzers there are to be: more while frames wait, fewer when those that there are have little to do. Pure.

Each change makes the group share out its partitions anew, so there are few of them: one analyzer at a time, a pause
after each, and to have fewer takes far longer than to have more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pipeline.analyze.status import Status

PAUSE_SECONDS = 30.0  # after a change: a new one loads, joins and catches up
UP_SECONDS = 5.0  # frames have to wait for so long before there are more
SPARE = 0.7  # of what one can do: fewer analyzers must not be busier than that


@dataclass(frozen=True)
class Seen:
    """What analyzers said of themselves at one time.

    behind: seconds that frames waited, of the one that is furthest behind. busy: cores that all of them use.
    model_bound: faces wait for the model, so that more analyzers would only wait with them.
    """

    analyzers: int
    behind: float
    busy: float
    model_bound: bool

    @classmethod
    def of(cls, before: Collection[tuple[Status, Status]], seconds: float) -> Seen:
        """From what each said `seconds` ago and what it says now."""
        return cls(
            len(before),
            max((now.behind for _, now in before), default=0.0),
            sum(now.cpu_seconds - then.cpu_seconds for then, now in before) / seconds,
            any(now.waiting_for_model or now.faces_waiting for _, now in before),
        )


class Scaling:
    """`least`, `most`: analyzers. `behind`: seconds that frames may wait. `quiet`: seconds with little to do, after
    which there is one less. Times are of any clock that only goes forward."""

    def __init__(self, least: int, most: int, behind: float, quiet: float) -> None:
        self._least, self._most = least, max(least, most)
        self._behind, self._quiet = behind, quiet
        self._late_since: float | None = None
        self._quiet_since: float | None = None
        self._changed = float("-inf")

    def wanted(self, seen: Seen, now: float) -> int:
        """How many there are to be, one more or less than there are at most."""
        late = seen.behind > self._behind
        little = seen.behind < self._behind / 2 and seen.busy <= SPARE * (seen.analyzers - 1)
        self._late_since = (self._late_since or now) if late and not seen.model_bound else None
        self._quiet_since = (self._quiet_since or now) if little else None
        if now - self._changed < PAUSE_SECONDS:
            return seen.analyzers
        if self._since(self._late_since, now, UP_SECONDS) and seen.analyzers < self._most:
            return self._change(seen.analyzers + 1, now)
        if self._since(self._quiet_since, now, self._quiet) and seen.analyzers > self._least:
            return self._change(seen.analyzers - 1, now)
        return seen.analyzers

    @staticmethod
    def _since(began: float | None, now: float, seconds: float) -> bool:
        return began is not None and now - began >= seconds

    def _change(self, wanted: int, now: float) -> int:
        self._changed = now
        self._late_since = self._quiet_since = None
        return wanted
