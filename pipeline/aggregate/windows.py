"""Windows of one scope (a camera, a zone, a site), merged from the panes of its cameras. Pure.

A window ending at W is told at W, then where it changed at each further interval, and for the last time at W + grace.
What is told at a moment holds of each camera the records up to the one that took its time there (see panes.py), and
is told once every camera of the scope has come so far. So it depends on the cameras' records alone: not on which
camera's were read first, nor on how often the reader was killed.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from pipeline.aggregate.panes import EPOCH, PANE
from pipeline.aggregate.tally import Tally, in_order


@dataclass(frozen=True, slots=True, order=True)
class Spec:
    """A kind of window: `length` long, one begins `every` so often; whole panes. Tumbling when they are equal."""

    length: timedelta
    every: timedelta

    def __str__(self) -> str:
        length, every = (f"{int(each.total_seconds())}s" for each in (self.length, self.every))
        return length if length == every else f"{length}/{every}"

    @classmethod
    def parse(cls, text: str) -> Spec:
        """From what str gives."""
        length, _, every = text.partition("/")
        seconds = [timedelta(seconds=int(each.removesuffix("s"))) for each in (length, every or length)]
        return cls(*seconds)

    def starts(self, pane: datetime) -> Iterator[datetime]:
        """Of the windows that hold this pane, latest first."""
        start = pane - (pane - EPOCH) % self.every
        while start + self.length > pane:
            yield start
            start -= self.every


Key = tuple[Spec, datetime]  # a window: its kind and its start
EMPTY: Mapping[Key, tuple[int, str]] = {}
VALUE = TypeAdapter(dict[str, Tally])


@dataclass(frozen=True, slots=True)
class Policy:
    """Which windows there are; `interval` between two revisions; `grace` from a window's end to its last one."""

    specs: tuple[Spec, ...]
    interval: timedelta
    grace: timedelta

    @property
    def span(self) -> timedelta:
        """From a pane's start to the last moment at which a window that holds it is told."""
        return max(spec.length for spec in self.specs) + self.grace

    def moments(self, end: datetime) -> Iterator[datetime]:
        """When a window that ends at `end` is told: the last of them is its last."""
        moment = end
        while moment < end + self.grace:
            yield moment
            moment += self.interval
        yield end + self.grace


@dataclass(frozen=True, slots=True)
class Told:
    """One revision of a window: what the records up to `as_of` say, by camera."""

    spec: Spec
    start: datetime
    revision: int
    final: bool
    as_of: datetime
    cameras: dict[str, Tally]


@dataclass(slots=True)
class _Camera:
    """`reached`: None while nothing was heard of it. `panes`: by start, each in its versions by `as_of`."""

    reached: datetime | None = None
    gone: bool = False
    over: bool = False
    panes: dict[datetime, dict[datetime, Tally]] = field(default_factory=dict)


FINAL = " final"  # after the digest of a window that was told to the last


class ScopeWindows:
    """`told_to`: every moment up to it was told; `last`: of windows that may be told again, last revision and digest.

    A reader that starts anew gives both as they were stored last, and all panes that it still finds.
    """

    def __init__(self, policy: Policy, told_to: datetime = EPOCH, last: Mapping[Key, tuple[int, str]] = EMPTY) -> None:
        self.told_to = told_to
        self.last = dict(last)
        self._policy = policy
        self._cameras: dict[str, _Camera] = {}
        self._due: list[tuple[datetime, Spec, datetime]] = []  # heap of moments
        self._open: set[Key] = set()

    def expect(self, camera: str) -> None:
        """Nothing is told before something was heard of this camera."""
        self._cameras.setdefault(camera, _Camera())

    def pane(self, camera: str, start: datetime, as_of: datetime, tally: Tally) -> None:
        """A version of a pane. `reached` makes it count."""
        self._cameras.setdefault(camera, _Camera()).panes.setdefault(start, {})[as_of] = tally
        for spec in self._policy.specs:
            for window in spec.starts(start):
                self._schedule(spec, window)

    def reached(self, camera: str, to: datetime, gone: bool = False, over: bool = False) -> list[Told]:
        """The camera's time has come to this tick. What can be told now, in order.

        When all cameras are over, everything is told. Should one begin again, a window may be told again after that.
        """
        state = self._cameras.setdefault(camera, _Camera())
        if state.reached is None or to >= state.reached:  # else it is read again
            state.reached, state.gone, state.over = to, gone, over
        now = self._now()
        if now is None:
            return []
        all_over = all(each.over for each in self._cameras.values())
        told = []
        while self._due and (self._due[0][0] <= now or all_over):
            told += self._tell(*heapq.heappop(self._due))
        self.told_to = max(now, self.told_to)
        self._forget()
        return told

    def _now(self) -> datetime | None:
        """As far as all cameras have come that somebody may still wait for."""
        awaited = [camera.reached for camera in self._cameras.values() if not camera.gone]
        times = [time for time in awaited if time is not None]
        if len(times) < len(awaited):
            return None
        return min(times) if times else max(camera.reached for camera in self._cameras.values() if camera.reached)

    def _schedule(self, spec: Spec, start: datetime) -> None:
        if (spec, start) not in self._open:
            end = start + spec.length
            moments = [moment for moment in self._policy.moments(end) if moment > self.told_to]
            if moments:
                self._open.add((spec, start))
                heapq.heappush(self._due, (moments[0], spec, start))

    def _tell(self, moment: datetime, spec: Spec, start: datetime) -> list[Told]:
        """The window as of a moment: nothing where nothing has changed."""
        end = start + spec.length
        final = moment == end + self._policy.grace
        revision, before = self.last.get((spec, start), (-1, ""))
        merged_panes = {name: _merged(camera, start, end, moment) for name, camera in sorted(self._cameras.items())}
        value = {name: tally for name, tally in merged_panes.items() if tally is not None}
        if final:
            self._open.discard((spec, start))
        else:
            following = next(later for later in self._policy.moments(end) if later > moment)
            heapq.heappush(self._due, (following, spec, start))
        digest = _digest(value)
        if not value or before == digest + FINAL or (before == digest and not final):
            return []  # of cameras that are over it may be asked again, after a kill
        self.last[spec, start] = (revision + 1, digest + FINAL if final else digest)
        return [Told(spec, start, revision + 1, final, moment, value)]

    def _forget(self) -> None:
        """What can be told no more."""
        grace, span = self._policy.grace, self._policy.span
        self.last = {
            (spec, start): last
            for (spec, start), last in self.last.items()
            if start + spec.length + grace > self.told_to
        }
        for camera in self._cameras.values():
            camera.panes = {start: pane for start, pane in camera.panes.items() if start + span > self.told_to}


def _digest(value: dict[str, Tally]) -> str:
    return hashlib.blake2b(VALUE.dump_json(value), digest_size=8).hexdigest()


def _merged(camera: _Camera, start: datetime, end: datetime, moment: datetime) -> Tally | None:
    """The camera's panes from start to end as they were at the moment; None when there is none."""
    found = []
    pane = start
    while pane < end:
        versions = [as_of for as_of in camera.panes.get(pane, {}) if as_of <= moment]
        if versions:
            found.append(camera.panes[pane][max(versions)])
        pane += PANE
    return in_order(found) if found else None
