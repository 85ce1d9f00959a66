"""`emostream demo` and `up`: the whole system."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.cli.options import (
    Cameras,
    ReportFile,
    Seconds,
    SettingsFile,
    check_writable,
    stop_on_signals,
    write_report,
)
from pipeline.errors import EmostreamError, UsageError
from pipeline.logs import set_up
from pipeline.policy.check import as_shown, declared, require
from pipeline.settings import CameraSettings, PlaceKind, Settings, load
from pipeline.traces import check

ApiPort = Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the control API; 0: a free one.")]
DashboardPort = Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the page; 0: a free one.")]

Headless = Annotated[bool, typer.Option("--headless", help="Without the API and the page.")]

DEMO_CAMERAS = (
    "synthetic:?people=1&seed=1&id=room-101",
    "synthetic:?people=2&seed=2&id=room-102",
    "synthetic:?people=1&seed=3&id=room-103",
    "synthetic:?people=3&seed=4&id=day-room",
)


app = typer.Typer()


@app.command()
def demo(
    seconds: Seconds = None,
    report: ReportFile = None,
    camera: Cameras = None,
    api_port: ApiPort = None,
    dashboard_port: DashboardPort = None,
    headless: Headless = False,
    config: SettingsFile = None,
) -> None:
    """Run the whole system on this machine: real Kafka, Ray and TorchServe; synthetic cameras unless some are given."""
    settings = load(config)
    cameras = camera or ([] if settings.cameras else list(DEMO_CAMERAS))
    settings = as_shown(settings, "to show how emostream works")
    _run(
        settings, cameras, None if headless else (api_port, dashboard_port), local=True, seconds=seconds, report=report
    )


@app.command()
def up(
    config: SettingsFile = None,
    camera: Cameras = None,
    local: Annotated[
        bool, typer.Option("--local", help="Start Kafka, TorchServe and Ray on this machine, too.")
    ] = False,
    seconds: Seconds = None,
    report: ReportFile = None,
    api_port: ApiPort = None,
    dashboard_port: DashboardPort = None,
    headless: Headless = False,
    purpose: Annotated[str | None, typer.Option(help="What faces are read for; or policy.purpose.")] = None,
    setting: Annotated[PlaceKind | None, typer.Option(help="What kind of place it is; or policy.setting.")] = None,
) -> None:
    """Run the whole system on a Kafka and TorchServe that are there, or on its own with --local.

    Ends by itself when every camera was a file and all is drained.
    """
    settings = load(config)
    if not camera and not settings.cameras:
        raise UsageError("cameras: none given", "name them in the settings file or with --camera URI")
    settings = declared(settings, purpose, setting)
    _run(
        settings,
        camera or [],
        None if headless else (api_port, dashboard_port),
        local=local,
        seconds=seconds,
        report=report,
    )


def _run(
    settings: Settings,
    cameras: list[str],
    ports: tuple[int | None, int | None] | None,
    *,
    local: bool,
    seconds: float | None,
    report: Path | None,
) -> None:
    from pipeline.local.process import Cancelled
    from pipeline.local.run import run
    from pipeline.local.steering import Ports
    from pipeline.local.system import RunFailed

    require(settings.policy)
    check(settings.traces)
    if cameras:
        chosen = [CameraSettings(uri=uri) for uri in cameras]
        settings = settings.model_copy(update={"cameras": chosen})
    set_up("CRITICAL")
    if report is not None:
        check_writable(report)
    try:
        outcome = run(
            settings, ports and Ports(*ports), local=local, seconds=seconds, console=Console(), stop=stop_on_signals()
        )
    except RunFailed as failed:
        write_report(report, failed.report)
        raise
    except Cancelled:
        raise EmostreamError("stopped while starting", "nothing was captured") from None
    write_report(report, outcome)
