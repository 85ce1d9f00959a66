"""Of which frames the traces are kept, so that a window can name one that it holds. Pure.

One frame of each camera's pane is remembered, of so many panes. A window that holds none of them names none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.aggregate.panes import pane_of
from pipeline.aggregate.state import PanesRecord
from pipeline.messages import TRACED_PANE, Headers, Observation, Scope, TraceContext, Window, carried, trace_headers

PANES = 64  # of a camera, the latest that were told of
CAMERAS = 4096
ZonesOf = Callable[[str, datetime], Collection[str]]
Carried = Iterable[tuple[str, bytes | None]]  # headers as they are read


@dataclass(frozen=True, slots=True)
class TracedFrame:
    """`pane`: start of the one that holds it."""

    camera: str
    pane: datetime
    context: TraceContext

    def headers(self) -> Headers:
        """Of the panes that hold it."""
        return [*trace_headers(self.context), (TRACED_PANE, self.pane.isoformat().encode())]


class Traced:
    """`zones`: those that a camera looks at, at a moment."""

    def __init__(self, zones: ZonesOf) -> None:
        self._zones = zones
        self._frames: dict[str, dict[str, dict[datetime, TracedFrame]]] = {}  # by site, camera and pane

    def seen(self, seen: Observation, headers: Carried) -> None:
        if context := _sampled(dict(headers)):
            self._add(seen.site, TracedFrame(seen.camera, pane_of(seen.captured_at), context))

    def told(self, panes: PanesRecord, headers: Carried) -> None:
        """Of the frame that their headers name, if they do."""
        named = dict(headers)
        pane = {start.isoformat().encode(): start for start in panes.panes}.get(named.get(TRACED_PANE) or b"")
        if pane is not None and (context := _sampled(named)):
            self._add(panes.site, TracedFrame(panes.camera, pane, context))

    def of_panes(self, panes: PanesRecord) -> TracedFrame | None:
        """The latest frame that they hold."""
        known = self._frames.get(panes.site, {}).get(panes.camera, {})
        return _latest(known[start] for start in panes.panes if start in known)

    def of_window(self, window: Window) -> TracedFrame | None:
        """The latest that it holds."""
        cameras = self._frames.get(window.site, {})
        if window.scope is Scope.CAMERA:
            cameras = {window.id: cameras.get(window.id, {})}
        frames = (frame for panes in cameras.values() for frame in panes.values())
        return _latest(frame for frame in frames if self._holds(window, frame))

    def _holds(self, window: Window, frame: TracedFrame) -> bool:
        within = window.start <= frame.pane < window.end
        return within and (window.scope is not Scope.ZONE or window.id in self._zones(frame.camera, frame.pane))

    def _add(self, site: str, frame: TracedFrame) -> None:
        cameras = self._frames.setdefault(site, {})
        panes = cameras.setdefault(frame.camera, {})
        panes[frame.pane] = frame
        _shorten(panes, PANES)
        _shorten(cameras, CAMERAS)
        _shorten(self._frames, CAMERAS)


def _sampled(headers: Mapping[str, bytes | None]) -> TraceContext | None:
    """Of a record whose trace is kept."""
    context = carried(headers)
    return context if context is not None and context.sampled else None


def _latest(frames: Iterable[TracedFrame]) -> TracedFrame | None:
    return max(frames, key=lambda frame: frame.pane, default=None)


def _shorten(held: dict[Any, Any], most: int) -> None:
    while len(held) > most:
        del held[next(iter(held))]
