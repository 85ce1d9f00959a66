"""What may be done to a camera, and what is wanted of it then. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pipeline.errors import UsageError
from pipeline.messages import GONE, CameraStatus, DesiredCamera, Origin

Wanted = Mapping[str, DesiredCamera]
STANDS = "it stands in the settings of a capture process: change it there, or pause it"


class UnknownCamera(UsageError):
    """Nobody wants it, and nothing was heard of it."""


class NotAdded(UsageError):
    """It belongs to the settings of a capture process."""


def check_add(camera: DesiredCamera, wanted: Wanted, heard: CameraStatus | None) -> None:
    """`heard`: the last state of a camera of that name. Raises NotAdded when the name is taken by a process's own."""
    known = wanted.get(camera.id)
    own = known.origin is Origin.SETTINGS if known else heard is not None and heard.state not in GONE
    if own:
        raise NotAdded(f"camera {camera.id}: the name is taken; {STANDS}", "or choose another name with id")


def check_remove(camera_id: str, wanted: Wanted, heard: CameraStatus | None) -> DesiredCamera:
    """The camera that is to go. Raises UnknownCamera, or NotAdded."""
    camera = wanted.get(camera_id)
    if camera is None and heard is None:
        raise _unknown(camera_id)
    if camera is None or camera.origin is Origin.SETTINGS:
        raise NotAdded(f"camera {camera_id}: cannot be removed", STANDS)
    return camera


def paused(
    camera_id: str, paused: bool, wanted: Wanted, heard: CameraStatus | None, *, at: datetime, by: str
) -> DesiredCamera:
    """The camera, paused or going on; any may be, also one of a process's settings. Raises UnknownCamera."""
    camera = wanted.get(camera_id)
    if camera is None and heard is not None:
        camera = DesiredCamera(
            site=heard.site, id=heard.camera, uri=heard.source, origin=Origin.SETTINGS, changed_at=at
        )
    if camera is None:
        raise _unknown(camera_id)
    return camera.model_copy(update={"paused": paused, "changed_at": at, "changed_by": by})


def _unknown(camera_id: str) -> UnknownCamera:
    return UnknownCamera(f"no camera {camera_id}", "`emostream cameras list` prints them")
