"""Adds, changes, removes, pauses and resumes cameras: writes to the topic that capture follows."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from pipeline.access import Caller
from pipeline.api.audited import Audited, Deed
from pipeline.api.changes import Changes
from pipeline.api.parts import Parts
from pipeline.api.problems import Refused
from pipeline.api.shapes import CameraChange, NewCamera
from pipeline.cameras.changes import check_add, check_remove, paused
from pipeline.capture.desired import agree, define
from pipeline.capture.spec import CameraKind
from pipeline.messages import CameraStatus, DesiredCamera
from pipeline.watch.camera import CameraNow

COMPARED = frozenset({"id", "fps", "loop", "realtime"})  # what a URI can say, too
FIELDS = ("uri", "credentials", "fps", "loop", "realtime", "masks")


class Steering:
    """Blocks while Kafka does: call it from a thread. One change at a time; raises EmostreamError and Refused."""

    def __init__(self, parts: Parts, audited: Audited) -> None:
        self._parts = parts
        self._audited = audited
        self._site = parts.settings.site
        self._kinds = frozenset(CameraKind(kind) for kind in parts.settings.api.camera_kinds)
        self._changes = Changes(parts, audited)

    def define(self, caller: Caller, asked: NewCamera, given: Collection[str] | None = None) -> DesiredCamera:
        """The camera that is asked for. `given`: what the URI may not contradict; None: whatever is no default.

        Raises UsageError.
        """
        camera = define(
            self._site,
            **asked.model_dump(exclude={"id", "reason"}),
            camera_id=asked.id,
            at=self._parts.now(),
            by=caller.name,
            kinds=self._kinds,
            exists=os.path.exists if CameraKind.PATH in self._kinds else _nothing_exists,
        )
        agree(camera, {name: getattr(asked, name) for name in (_said(asked) if given is None else given)})
        return camera

    def masked(self, camera: DesiredCamera, asked_id: str | None) -> DesiredCamera:
        """For a test picture: of a camera that is there already nothing is seen that is blacked out there."""
        if camera.masks:
            return camera
        wanted, _ = self._known()
        masks = [each.masks for each in wanted.values() if each.uri == camera.uri or each.id == asked_id]
        return camera.model_copy(update={"masks": max(masks, key=len, default=[])})

    def add(self, caller: Caller, asked: NewCamera) -> DesiredCamera:
        deed = Deed(caller, "camera.add", f"camera/{asked.id or 'new'}", asked.reason)
        with self._changes.one(deed):
            camera = self.define(caller, asked)
            deed = replace(deed, target=f"camera/{camera.id}", after=camera)
            wanted, heard = self._known()
            check_add(camera, wanted, heard.get(camera.id))
            if camera.id in wanted:
                raise Refused(
                    HTTPStatus.CONFLICT, f"there is a camera {camera.id} already; change it, or give another id"
                )
            self._put(deed, camera)
            return camera

    def change(self, caller: Caller, camera_id: str, asked: CameraChange) -> DesiredCamera:
        deed = Deed(caller, "camera.change", f"camera/{camera_id}", asked.reason)
        with self._changes.one(deed):
            before = self._added(camera_id)
            values: dict[str, Any] = {name: getattr(before, name) for name in FIELDS}
            values |= asked.model_dump(exclude_unset=True, exclude={"reason"})
            new = NewCamera(id=camera_id, paused=before.paused, **values)
            camera = self.define(caller, new, COMPARED & {"id", *asked.model_fields_set})
            if _same(before, camera):
                return before
            self._put(replace(deed, before=before, after=camera), camera)
            return camera

    def remove(self, caller: Caller, camera_id: str) -> None:
        deed = Deed(caller, "camera.remove", f"camera/{camera_id}")
        with self._changes.one(deed):
            before = self._added(camera_id)
            self._audited.do(replace(deed, before=before), lambda: self._parts.registry.remove(camera_id))
            self._changes.wait(lambda view: view.desired(camera_id) is None)

    def pause(self, caller: Caller, camera_id: str, pausing: bool, reason: str) -> None:
        """Any camera, also one of a process's settings. Nothing is done where it is so already."""
        deed = Deed(caller, "camera.pause" if pausing else "camera.resume", f"camera/{camera_id}", reason)
        with self._changes.one(deed):
            wanted, heard = self._known()
            before = wanted.get(camera_id)
            after = paused(camera_id, pausing, wanted, heard.get(camera_id), at=self._parts.now(), by=caller.name)
            if (before is not None and before.paused) != pausing:
                self._put(replace(deed, before=before, after=after), after)

    def _known(self) -> tuple[dict[str, DesiredCamera], dict[str, CameraStatus]]:
        """What is wanted of each camera, and what was heard of it last."""
        with self._parts.watched.reading() as view:
            cameras = [camera for camera, _ in view.now(self._parts.now()).cameras]
        wanted = {camera.id: camera.desired for camera in cameras if camera.desired is not None}
        return wanted, {camera.id: status for camera in cameras if (status := self._status(camera)) is not None}

    def _status(self, camera: CameraNow) -> CameraStatus | None:
        if camera.state is None:
            return None
        return CameraStatus(
            site=self._site,
            camera=camera.id,
            session=camera.session,
            at=camera.since or self._parts.now(),
            state=camera.state,
            source=camera.source,
        )

    def _added(self, camera_id: str) -> DesiredCamera:
        """One that may be changed and removed. Raises UnknownCamera, or NotAdded."""
        wanted, heard = self._known()
        return check_remove(camera_id, wanted, heard.get(camera_id))

    def _put(self, deed: Deed, camera: DesiredCamera) -> None:
        self._audited.do(deed, lambda: self._parts.registry.put(camera))
        self._changes.wait(lambda view: view.desired(camera.id) == camera)


def _said(asked: NewCamera) -> set[str]:
    """What is said beside the URI: a form that is sent as it stood says nothing."""
    return {name for name in COMPARED if getattr(asked, name) != NewCamera.model_fields[name].default}


def _same(before: DesiredCamera, after: DesiredCamera) -> bool:
    return all(getattr(before, name) == getattr(after, name) for name in FIELDS)


def _nothing_exists(path: str) -> bool:
    """Nobody learns from here what files there are."""
    return False
