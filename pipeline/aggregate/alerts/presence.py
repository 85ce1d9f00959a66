"""What each camera of a site gives in a window: pictures, nothing, or rightly nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pipeline.aggregate.summary import blind
from pipeline.aggregate.tally import FRAME, Tally
from pipeline.messages import CameraState, Window

SILENT = "silent"
IN_ORDER = (CameraState.ENDED, CameraState.STOPPED)  # how a camera may go without anything being wrong


@dataclass(frozen=True, slots=True)
class Presence:
    """`seen`: part of the camera's expected frames that showed something; None where nothing is known of it.

    `why`: the reason where little is seen. `over`: it gives nothing any more, and rightly so.
    """

    seen: float | None
    why: str = SILENT
    over: bool = False


class Departures:
    """Which cameras nothing more comes of, and why: as of any moment of their own time, whenever it was learned."""

    def __init__(self) -> None:
        self._changes: dict[str, dict[datetime, str]] = {}

    def add(self, camera: str, as_of: datetime, gone: bool, why: str) -> None:
        """As of this tick the camera is gone, or is not. `why`: "" in all but the first record after it went."""
        before = self._newest(camera, as_of)
        now = why or before if gone else ""
        if now != before:
            self._changes.setdefault(camera, {})[as_of] = now

    def at(self, moment: datetime) -> dict[str, str]:
        """Why, by camera, for those that are gone."""
        return {camera: why for camera in self._changes if (why := self._newest(camera, moment))}

    def forget(self, to: datetime) -> None:
        """No moment before this one will be asked for."""
        for camera, changes in self._changes.items():
            known = max((as_of for as_of in changes if as_of <= to), default=to)
            self._changes[camera] = {as_of: why for as_of, why in changes.items() if as_of >= known}

    def _newest(self, camera: str, moment: datetime) -> str:
        changes = self._changes.get(camera, {})
        known = [as_of for as_of in changes if as_of <= moment]
        return changes[max(known)] if known else ""


def presences(window: Window, tallies: Mapping[str, Tally], departed: Mapping[str, str]) -> dict[str, Presence]:
    """By camera. `tallies`: what was counted of each in the window."""
    return {
        camera: _presence(window, camera, tallies.get(camera), departed.get(camera, ""))
        for camera in sorted(window.cameras.keys() | departed.keys())
    }


def _presence(window: Window, camera: str, tally: Tally | None, departed: str) -> Presence:
    coverage = window.cameras.get(camera)
    if coverage is not None and tally is not None:
        why = window.blind_cameras.get(camera, "").replace("_", " ")
        return Presence(round(coverage - (blind(tally) or 0.0), 4), why or _missing(tally))
    if departed in IN_ORDER:
        return Presence(None, departed, over=True)
    return Presence(0.0, departed) if departed else Presence(None)


def _missing(tally: Tally) -> str:
    """What became of most of the frames that were not seen."""
    lost = {f"dropped ({reason})": frames for reason, frames in tally.dropped.items()}
    lost["unreadable"] = tally.dead_lettered
    reason = max(sorted(lost), key=lambda name: lost[name])
    if 2 * lost[reason] * FRAME >= tally.expected - tally.observed * FRAME:
        return reason
    return "too few frames" if tally.observed else SILENT
