"""What each minute of a time shows: faces, nobody, or nothing at all and why. Pure."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.messages import CameraState, CameraStatus, Scope, Window

ENOUGH = 0.5  # of a window's frames really seen: else it is missing
CALM = 2 / 3  # of its readings apparently neutral, at least
DEFAULT_LENGTH = dt.timedelta(minutes=1)  # where there is no window at all


class Shows(StrEnum):
    EXPRESSIONS = "expressions"  # faces were read
    CALM = "calm"  # faces were read, apparently neutral most of them
    UNREADABLE = "unreadable"  # there were faces, none of which could be read
    NOBODY = "nobody"  # seen, and no face
    WITHHELD = "withheld"  # seen; figures on faces are withheld
    MISSING = "missing"  # not seen


QUIET = frozenset({Shows.NOBODY, Shows.CALM})
FACES = frozenset({Shows.EXPRESSIONS, Shows.CALM, Shows.UNREADABLE})


class Why(StrEnum):
    """Why nothing was seen."""

    DOWN = "down"  # the camera could not be reached, or gave no pictures
    BLIND = "blind"  # it gave pictures that show nothing of use
    LOST = "lost"  # pictures were taken and not read: dropped, unreadable, expired
    SILENT = "silent"  # pictures were promised, and nothing was heard
    PAUSED = "paused"  # on request
    STOPPED = "stopped"  # it was stopped or removed, or came to its end
    NOT_EXPECTED = "not_expected"  # no pictures were promised
    UNKNOWN = "unknown"  # nothing is recorded


IN_ORDER = frozenset({Why.PAUSED, Why.STOPPED, Why.NOT_EXPECTED})
"""Nothing was to be seen, and nothing is wrong."""


@dataclass(frozen=True)
class Place:
    """What a report is of: a camera or a zone, `cameras`: those that see it, `zones`: those in its picture."""

    site: str
    scope: Scope
    id: str
    cameras: frozenset[str]
    zones: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Tile:
    """A window, or a gap between windows; cut where the day is.

    `seen`: part of it really seen, `blind`: part that was observed blind. `told`: readings by apparent expression.
    `why`, `detail`: of what is missing.
    """

    start: dt.datetime
    end: dt.datetime
    shows: Shows
    seen: float = 0.0
    blind: float = 0.0
    told: Mapping[str, float] | None = None
    why: Why | None = None
    detail: str = ""
    final: bool = True

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


class States:
    """What each camera was doing, as capture told."""

    def __init__(self, statuses: Iterable[CameraStatus]) -> None:
        self._told: dict[str, list[CameraStatus]] = {}
        for status in sorted(statuses, key=_at):
            self._told.setdefault(status.camera, []).append(status)

    def of(self, camera: str, start: dt.datetime, end: dt.datetime) -> CameraStatus | None:
        """In the middle of a time; where it was up by then, the first other state in that time."""
        middle = start + (end - start) / 2
        told = self._told.get(camera, [])
        by_then = bisect_right(told, middle, key=_at)
        known = told[by_then - 1] if by_then else None
        if known is not None and known.state is not CameraState.UP:
            return known
        inside = told[bisect_left(told, start, key=_at) : bisect_left(told, end, key=_at)]
        return next((status for status in inside if status.state is not CameraState.UP), known)


def _at(status: CameraStatus) -> dt.datetime:
    return status.at


def timeline(
    place: Place, windows: Iterable[Window], states: States, start: dt.datetime, end: dt.datetime
) -> list[Tile]:
    """From `start` to `end` without a gap, from the newest revisions of the place's shortest windows."""
    chosen = _chosen(windows, start, end)
    length = min((window.end - window.start for window in chosen), default=DEFAULT_LENGTH)
    tiles: list[Tile] = []
    at = start
    for window in chosen:
        tiles += _gap(place, states, at, max(at, window.start), length)
        cut_start, cut_end = max(start, window.start), min(end, window.end)
        tiles.append(_tile(place, window, states, cut_start, cut_end))
        at = cut_end
    return [*tiles, *_gap(place, states, at, end, length)]


def _chosen(windows: Iterable[Window], start: dt.datetime, end: dt.datetime) -> list[Window]:
    """Of the shortest kind, the newest revision of each, none overlapping another."""
    newest: dict[tuple[str, dt.datetime], Window] = {}
    for window in windows:
        if window.start >= end or window.end <= start:
            continue
        known = newest.get((window.spec, window.start))
        if known is None or window.revision >= known.revision:
            newest[window.spec, window.start] = window
    shortest = min((window.end - window.start for window in newest.values()), default=None)
    chosen: list[Window] = []
    for window in sorted(newest.values(), key=lambda each: each.start):
        if window.end - window.start == shortest and (not chosen or window.start >= chosen[-1].end):
            chosen.append(window)
    return chosen


def _gap(place: Place, states: States, start: dt.datetime, end: dt.datetime, length: dt.timedelta) -> Iterator[Tile]:
    while start < end:
        until = min(start + length, end)
        heard = any(states.of(camera, start, until) for camera in place.cameras)
        why, detail = _state(place.cameras, states, start, until) or (Why.SILENT if heard else Why.UNKNOWN, "")
        yield Tile(start, until, Shows.MISSING, why=why, detail=detail)
        start = until


def _tile(place: Place, window: Window, states: States, start: dt.datetime, end: dt.datetime) -> Tile:
    blind = min(window.blind or 0.0, window.coverage or 0.0)
    seen = max(0.0, (window.coverage or 0.0) - blind)
    told = None
    if window.label_share is not None and not window.suppressed:
        part = (end - start) / (window.end - window.start)
        told = {label: share * window.n_told * part for label, share in window.label_share.items()}
    shows = _shows(window, seen)
    why, detail = _why(place, window, states, start, end) if shows is Shows.MISSING else (None, "")
    return Tile(start, end, shows, seen, blind, told, why, detail, window.final)


def _shows(window: Window, seen: float) -> Shows:
    if seen < ENOUGH:
        return Shows.MISSING
    if window.suppressed:
        return Shows.WITHHELD
    if window.label_share is not None and window.n_told:
        return Shows.CALM if window.label_share.get("neutral", 0.0) >= CALM else Shows.EXPRESSIONS
    return Shows.UNREADABLE if window.n_face_frames else Shows.NOBODY


def _why(place: Place, window: Window, states: States, start: dt.datetime, end: dt.datetime) -> tuple[Why, str]:
    if window.coverage and 2 * (window.blind or 0.0) >= window.coverage:
        reasons = sorted(set(window.blind_cameras.values()) or set(window.frames.blind))
        return Why.BLIND, reasons[0] if reasons else ""
    told = _state(place.cameras, states, start, end)
    if told is not None:
        return told
    if window.coverage is None:
        return Why.NOT_EXPECTED, ""
    lost = {**window.frames.dropped, "unreadable": window.frames.dead_lettered}
    reason = max(sorted(lost), key=lambda name: lost[name])
    if lost[reason] and 2 * lost[reason] >= window.frames.expected - window.frames.observed:
        return Why.LOST, reason
    return Why.SILENT, ""


def _state(cameras: Iterable[str], states: States, start: dt.datetime, end: dt.datetime) -> tuple[Why, str] | None:
    """What capture told of the cameras, what is wrong first; None where all it told is that they are up."""
    found = [status for camera in sorted(cameras) if (status := states.of(camera, start, end)) is not None]
    told = [(_of_state(status), status.reason) for status in found if status.state is not CameraState.UP]
    return min(told, key=lambda each: list(Why).index(each[0]), default=None)


def _of_state(status: CameraStatus) -> Why:
    if status.state is CameraState.STOPPED and status.reason.startswith("paused"):
        return Why.PAUSED
    if status.state in (CameraState.STOPPED, CameraState.ENDED):
        return Why.STOPPED
    if status.state is CameraState.CONNECTING:  # for the first time: once it was tried in vain, it is down
        return Why.SILENT
    return Why.DOWN


@dataclass(frozen=True)
class Stretch:
    """A time in which all tiles show the same, for the same reason."""

    start: dt.datetime
    end: dt.datetime
    shows: Shows
    why: Why | None = None
    detail: str = ""

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


def stretches(tiles: Sequence[Tile]) -> list[Stretch]:
    """In order, one after the other without a gap."""
    found: list[Stretch] = []
    for tile in tiles:
        last = found[-1] if found else None
        if last is not None and (last.shows, last.why, last.detail) == (tile.shows, tile.why, tile.detail):
            found[-1] = Stretch(last.start, tile.end, tile.shows, tile.why, tile.detail)
        else:
            found.append(Stretch(tile.start, tile.end, tile.shows, tile.why, tile.detail))
    return found
