"""`emostream cameras`: what a site's cameras are to be, and what they are doing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.cameras.changes import check_add, check_remove, paused
from pipeline.cameras.registry import CameraRegistry
from pipeline.capture.desired import agree, define
from pipeline.console.audited import Change, audited
from pipeline.console.listing import listing
from pipeline.console.view import STATES
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import CameraStatus, DesiredCamera, Origin
from pipeline.settings import Settings
from pipeline.topics import CAMERA_STATUS


def show(settings: Settings, as_json: bool, console: Console) -> None:
    """Print every camera that is wanted or was heard of."""
    with CameraRegistry(settings.kafka, settings.site) as registry:
        wanted = registry.all()
    heard = last_heard(settings)
    names = sorted(wanted.keys() | heard.keys())
    if as_json:
        sys.stdout.writelines(json.dumps(_as_json(name, wanted, heard)) + "\n" for name in names)
    elif not names:
        console.print("no camera; `emostream cameras add URI` adds one")
    else:
        console.print(_table(names, wanted, heard))


def add(settings: Settings, uri: str, camera_id: str | None, credentials: str, fps: float | None, by: str) -> str:
    """Add a camera, or change one that was added: its masks stay, and so does its pause.

    Raises UsageError naming what is wrong with it.
    """
    with audited(settings, Change("camera.add", f"camera/{camera_id or 'new'}", by)) as change:
        camera = asked(settings.site, uri, camera_id, credentials, fps, by)
        with CameraRegistry(settings.kafka, settings.site) as registry:
            wanted = registry.all()
            check_add(camera, wanted, last_heard(settings).get(camera.id))
            before = wanted.get(camera.id)
            if before is not None:
                camera = camera.model_copy(update={"masks": before.masks, "paused": before.paused})
            registry.put(camera)
        change.target, change.before, change.after = f"camera/{camera.id}", _audit(before), _audit(camera)
    return f"camera {camera.id}: " + ("changed" if before else "added")


def asked(site: str, uri: str, camera_id: str | None, credentials: str, fps: float | None, by: str) -> DesiredCamera:
    """Raises UsageError, also for an id or fps that the URI contradicts."""
    camera = define(site, uri, at=datetime.now(UTC), by=by, camera_id=camera_id, credentials=credentials, fps=fps)
    agree(camera, {name: value for name, value in (("id", camera_id), ("fps", fps)) if value is not None})
    return camera


def remove(settings: Settings, camera_id: str, by: str) -> str:
    """Raises UsageError for a camera that was not added."""
    change = Change("camera.remove", f"camera/{camera_id}", by)
    with audited(settings, change), CameraRegistry(settings.kafka, settings.site) as registry:
        change.before = _audit(check_remove(camera_id, registry.all(), last_heard(settings).get(camera_id)))
        registry.remove(camera_id)
    return f"camera {camera_id}: removed"


def pause(settings: Settings, camera_id: str, pausing: bool, by: str, reason: str = "") -> str:
    """Pause or resume any camera, also one of a capture process's settings. Raises UsageError for one nobody knows."""
    change = Change("camera.pause" if pausing else "camera.resume", f"camera/{camera_id}", by, reason)
    with audited(settings, change), CameraRegistry(settings.kafka, settings.site) as registry:
        heard = last_heard(settings).get(camera_id)
        registry.put(paused(camera_id, pausing, registry.all(), heard, at=datetime.now(UTC), by=by))
    return f"camera {camera_id}: " + ("paused" if pausing else "goes on")


def last_heard(settings: Settings) -> dict[str, CameraStatus]:
    """The last state of each camera of the site that `camera-status` still holds."""
    heard: dict[str, CameraStatus] = {}
    with Reader(settings.kafka, [CAMERA_STATUS]) as reader:
        reader.from_beginning()
        for status in map(parse, reader.to_end()):
            if isinstance(status, CameraStatus) and status.site == settings.site:
                heard[status.camera] = status
    return heard


def _audit(camera: DesiredCamera | None) -> dict[str, Any] | None:
    return camera.model_dump(mode="json", exclude={"schema_version", "changed_at", "changed_by"}) if camera else None


def _as_json(name: str, wanted: Mapping[str, DesiredCamera], heard: Mapping[str, CameraStatus]) -> dict[str, Any]:
    camera, status = wanted.get(name), heard.get(name)
    return {
        "id": name,
        "wanted": camera and camera.model_dump(mode="json"),
        "heard": status and status.model_dump(mode="json"),
    }


def _table(names: Iterable[str], wanted: Mapping[str, DesiredCamera], heard: Mapping[str, CameraStatus]) -> Table:
    table = listing(("camera", "from", "since"), ("state", "where"))
    for name in names:
        camera, status = wanted.get(name), heard.get(name)
        state = Text("not heard of yet")
        if status is not None:
            sign, colour = STATES[status.state]
            state = Text(f"{sign} {status.state}" + (f": {status.reason}" if status.reason else ""), style=colour)
        origin = camera.origin if camera else Origin.SETTINGS
        since = f"{status.at.astimezone():%d %b %H:%M:%S}" if status else ""
        table.add_row(name, origin, since, state, camera.uri if camera else status.source if status else "")
    return table
