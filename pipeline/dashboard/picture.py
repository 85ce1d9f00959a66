"""The page as of a moment: everything that open pages show and that changes by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipeline import __version__
from pipeline.dashboard import payload
from pipeline.watch.follow import Feed
from pipeline.watch.site import SiteView


def as_of(view: SiteView, feed: Feed, now: datetime) -> dict[str, Any]:
    """By key: a camera's is `camera/NAME`. While Kafka is away, everything is told as of when it was last known."""
    known = now if feed.away_since is None else min(now, feed.away_since)
    site = view.now(known)
    values: dict[str, Any] = {f"camera/{camera.id}": payload.camera(camera, told) for camera, told in site.cameras}
    values["feed"] = {
        "away": payload.milliseconds(feed.away_since),
        "ready": feed.known_at is not None,
        "past": feed.past_known,
        "reason": feed.reason,
    }
    values["rates"] = {
        "frames": site.frames_per_second,
        "faces": site.faces_per_second,
        "backlog": site.backlog,
    }
    values["alerts"] = payload.alerts(view.alerts.standing(), view.alerts.recent())
    values["roles"] = [payload.role(role) for role in site.roles]
    values["made"] = {
        "model": payload.model(site.model),
        "detector": payload.model(site.detector),
        "degradation": list(site.degradation),
        "version": __version__,
    }
    values["windows"] = view.windows.version
    values["zones"] = sorted({id_ for scope, id_, _ in view.windows.histories() if scope == "zone"})
    return values
