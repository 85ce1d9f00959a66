"""The cameras of the settings: each is opened as capture would, until its first frame. Nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from pipeline.capture.probe import look
from pipeline.capture.spec import CameraKind, CameraSpec
from pipeline.capture.uri import camera_specs, redact
from pipeline.errors import SourceError, UsageError
from pipeline.local.doctor.check import Check, guarded
from pipeline.settings import Settings

SECONDS = 5.0  # to answer
AT_ONCE = 4
HINTS = {
    CameraKind.NETWORK: "is it on, and reached from this machine? check its address, path and password",
    CameraKind.WEBCAM: "is it plugged in, and used by nothing else?",
    CameraKind.PATH: "check the path",
    CameraKind.SYNTHETIC: "",
}


def checks(settings: Settings) -> Iterator[Check]:
    try:
        specs = camera_specs(settings.cameras)
    except UsageError as error:
        yield Check("cameras", "fail", error.message, error.hint)
        return
    seconds = min(SECONDS, settings.capture.connect_timeout_seconds)
    hurried = settings.capture.model_copy(update={"connect_timeout_seconds": seconds})
    settings = settings.model_copy(update={"capture": hurried})
    with ThreadPoolExecutor(AT_ONCE, "camera") as pool:
        yield from pool.map(lambda spec: guarded(_name(spec), lambda: _camera(spec, settings)), specs)


def _camera(spec: CameraSpec, settings: Settings) -> Check:
    """One that may answer later does not keep the others from running."""
    try:
        seen = look(spec, settings)
    except SourceError as error:
        why = f"{spec.public_uri}: {redact(error.message)}"
        return Check(_name(spec), "fail" if error.permanent else "warn", why, error.hint or HINTS[spec.kind])
    rate = f", {seen.fps:g} frames/s" if seen.fps else ""
    return Check(_name(spec), "ok", f"{spec.public_uri}: {seen.width}x{seen.height}{rate}")


def _name(spec: CameraSpec) -> str:
    return f"camera {spec.id}"
