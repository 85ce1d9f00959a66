"""`emostream demo` and `up`: everything on this machine, from the first jar to the report."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.access import Access
from pipeline.capture.images import find_images
from pipeline.capture.spec import CameraKind, CameraSpec
from pipeline.capture.uri import camera_specs
from pipeline.classify.choose import check_folders
from pipeline.console.start import StartView
from pipeline.console.summary import summary
from pipeline.errors import SourceError, UsageError
from pipeline.kafka.retention import apply
from pipeline.local.folders import new_run
from pipeline.local.stack import END_SECONDS, LocalStack
from pipeline.local.steering import Ports, place
from pipeline.local.system import Given, Parts, Plan, RunFailed, SystemRun
from pipeline.settings import Settings


def run(
    settings: Settings,
    ports: Ports | None,
    *,
    local: bool,
    seconds: float | None,
    console: Console,
    stop: threading.Event,
) -> dict[str, Any]:
    """Run the cameras of `settings` until they end, `seconds` are over or `stop` is set; returns the report.

    `ports`: of the API and the page; None: without them. `local`: start Kafka, TorchServe and Ray, too. Raises
    EmostreamError; RunFailed carries the report along.
    """
    cameras = tuple(camera_specs(settings.cameras))
    _check_files(cameras)
    check_folders(settings.classify)
    if ports is not None:
        Access.of_page(settings)
    settings = place(settings, ports or Ports(0, 0), local=local)
    for unknown in _unknown_cameras(settings, cameras):
        console.print(f"[yellow]{unknown}[/yellow]")
    began = time.monotonic()
    with ExitStack() as stack:
        if local:
            local_stack = _start_stack(settings, console, stop, stack)
            parts: Parts = local_stack
            settings, folder = local_stack.settings, local_stack.run.path
        else:
            opened = stack.enter_context(contextlib.closing(new_run(settings.run_dir)))
            parts, folder = Given(settings), opened.path
        apply(settings.kafka)
        console.print(f"[dim]ready after {time.monotonic() - began:.1f} s; logs in {shown(folder)}/logs[/dim]")
        console.print("[dim]the events, in another terminal:[/dim]")
        console.print(f"  {shown(Path(sys.argv[0]))} events --follow -c {shown(folder)}/settings.yaml", soft_wrap=True)
        system = SystemRun(Plan(settings, cameras, folder, seconds, headless=ports is None), console, stop, parts)
        report = system.run()
    summary(report, console)
    if not report["frames"]["captured"]:
        silent = next(iter(report["camera_states"].items()), ("none", {"reason": "it never spoke"}))
        what = f"no camera gave a frame; {silent[0]}: {silent[1]['reason'] or silent[1]['state']}"
        raise RunFailed(what, "check its address, port and password, or the file", report)
    for camera, reason in system.failed().items():
        hint = "the others went on" if report["frames"]["observed"] else "see the logs"
        raise RunFailed(f"camera {camera} failed: {reason}", hint, report)
    if not report["balanced"]:
        raise RunFailed(f"{report['missing']} frames are not accounted for", f"the logs are in {folder}/logs", report)
    return report


def _check_files(cameras: Sequence[CameraSpec]) -> None:
    """Raises UsageError when there is no camera worth starting the stack for: each is a path that leads nowhere."""
    wrong = []
    for camera in cameras:
        try:
            if camera.kind is CameraKind.PATH:
                find_images(camera.location)
        except SourceError as error:
            wrong.append(f"camera {camera.id}: {camera.location}: {error.message}")
    if len(wrong) == len(cameras):
        raise UsageError(wrong[0], "check the path")


def _unknown_cameras(settings: Settings, cameras: Sequence[CameraSpec]) -> list[str]:
    """What is said of cameras that are none of the settings'. They may be added yet, or their names mistyped."""
    ids = {camera.id for camera in cameras}
    named = [(f"zone {zone.id}", zone.camera) for zone in settings.zones]
    named += [(f"alert {rule.id}", name) for rule in settings.alerts if rule.scope == "camera" for name in rule.only]
    return [f"{what}: there is no camera {name} so far" for what, name in named if name not in ids]


def shown(path: Path) -> Path:
    """The path as short as it can be typed from here."""
    path = path.absolute()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _start_stack(settings: Settings, console: Console, stop: threading.Event, exits: ExitStack) -> LocalStack:
    """The embedded stack, started with its progress shown; ended when `exits` is."""
    with StartView(console) as progress:
        stack = exits.enter_context(LocalStack(settings, settings.run_dir, progress.tell, stop=stop))
    exits.callback(console.print, f"[dim]ending Kafka and what else was started here, within {END_SECONDS:.0f} s[/dim]")
    return stack
