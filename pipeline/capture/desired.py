"""From what is asked of a camera to what is wanted, and from there to what a camera process is told."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from pydantic import ValidationError

from pipeline.capture.spec import CameraKind, CameraSpec
from pipeline.capture.uri import Exists, camera_specs
from pipeline.errors import UsageError
from pipeline.messages import DesiredCamera, Polygon
from pipeline.settings import CameraSettings, faults

VARIABLE = re.compile(r"env:(CAMERA_[A-Za-z0-9_]+)")
"""Whoever may add cameras must not have any other variable of the host sent to an address of his choice."""
ALL_KINDS = frozenset(CameraKind)


def define(
    site: str,
    uri: str,
    *,
    at: datetime,
    by: str,
    camera_id: str | None = None,
    credentials: str = "",
    fps: float | None = None,
    loop: bool = False,
    realtime: bool = True,
    paused: bool = False,
    masks: Sequence[Polygon] = (),
    kinds: Collection[CameraKind] = ALL_KINDS,
    exists: Exists = os.path.exists,
) -> DesiredCamera:
    """A camera that somebody asks for. Raises UsageError that names what is wrong with it."""
    try:
        camera = CameraSettings(uri=uri, id=camera_id, fps=fps, loop=loop, realtime=realtime, masks=list(masks))
    except ValidationError as error:
        raise _wrong(error) from None
    spec = camera_specs([camera], exists)[0]
    if spec.kind not in kinds:
        allowed = ", ".join(sorted(kinds))
        raise UsageError(
            f"camera {spec.public_uri}: of kind {spec.kind}, which may not be added here", f"may: {allowed}"
        )
    if "***" in spec.public_uri:
        hint = "put user:password into the variable CAMERA_HALL where capture runs and give credentials env:CAMERA_HALL"
        raise UsageError(
            f"camera {spec.public_uri}: the URI holds a password or token, which would be kept in clear", hint
        )
    if credentials and not VARIABLE.fullmatch(credentials):
        hint = "the name of a variable that begins with CAMERA_, such as env:CAMERA_HALL"
        raise UsageError(f"camera {spec.public_uri}: credentials: not env:CAMERA_...", hint)
    if credentials and spec.kind is not CameraKind.NETWORK:
        raise UsageError(f"camera {spec.public_uri}: credentials are for network cameras", "leave them out")
    return DesiredCamera(
        site=site,
        id=spec.id,
        uri=uri.strip(),
        credentials=credentials,
        fps=spec.fps,
        loop=spec.loop,
        realtime=spec.realtime,
        paused=paused,
        masks=list(masks),
        changed_at=at,
        changed_by=by,
    )


def agree(camera: DesiredCamera, asked: Mapping[str, object]) -> None:
    """`asked`: what was said beside the URI. Raises UsageError for what the URI, which wins, says otherwise."""
    for name, value in asked.items():
        if (found := getattr(camera, name)) != value:
            raise UsageError(f"{name}: the URI says otherwise: {found}", "say it in one place")


def spec_of(camera: DesiredCamera, environ: Mapping[str, str]) -> CameraSpec:
    """What its process is told, credentials included. Raises UsageError when they are not to be had, or for a record
    that is none of ours and says what no camera can be."""
    values = camera.model_dump(include=set(CameraSettings.model_fields))
    try:
        [spec] = camera_specs([CameraSettings.model_validate(values)], environ=environ)
    except ValidationError as error:
        raise _wrong(error) from None
    if spec.id != camera.id:
        raise UsageError(f"camera {spec.public_uri}: id: the URI says {spec.id}, the topic {camera.id}", "change one")
    return spec


def _wrong(error: ValidationError) -> UsageError:
    return UsageError("; ".join(f"camera: {each}" for each in faults(error)))
