"""Windows of the past, for timelines and for the heat map. Pure: from what is known to JSON."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pipeline.dashboard import payload
from pipeline.messages import Alert, Scope
from pipeline.watch.site import SiteView
from pipeline.watch.windows import KeptWindow

Timeline = tuple[list[KeptWindow], list[Alert], int]
MOST = 2000  # windows of one timeline; the newest


def specs(view: SiteView) -> list[str]:
    """Kinds of windows there are, shortest first; of equal length, those that do not overlap first."""
    return sorted({spec for _, _, spec in view.windows.histories()}, key=_order)


def timeline(view: SiteView, scope: Scope, id_: str, spec: str, after: int) -> Timeline:
    """What is new of one camera, zone or site since a version, and that version. To be told by `told`."""
    kept = view.windows.of(scope, id_, spec, after)
    return kept[-MOST:], view.alerts.about(scope, id_), view.windows.version


def told(kept: list[KeptWindow], alerts: list[Alert], version: int) -> dict[str, Any]:
    return {
        "version": version,
        "windows": [payload.window(each.window()) for each in kept],
        "alerts": [payload.alert(each) for each in alerts],
    }


def heat(view: SiteView, spec: str, after: int) -> dict[str, Any]:
    """Every camera's and zone's windows that follow on one another, by `scope/id`: only what is new since a version."""
    rows: dict[str, list[Any]] = {}
    for scope, id_, each in view.windows.histories():
        if each == spec and scope is not Scope.SITE:
            kept = view.windows.of(scope, id_, each, after)
            rows[f"{scope}/{id_}"] = [payload.cell(one) for one in kept if _follows_on(one)]
    return {"version": view.windows.version, "rows": rows}


def _follows_on(kept: KeptWindow) -> bool:
    """Of windows that overlap, those that begin at a multiple of their length."""
    length = int((kept.end - kept.start) / timedelta(seconds=1))
    return int(kept.start.timestamp()) % length == 0


def _order(spec: str) -> tuple[int, int]:
    length, _, every = spec.replace("s", "").partition("/")
    return int(length), -int(every or length)
