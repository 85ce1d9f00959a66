"""`emostream doctor`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from pipeline.cli.options import SettingsFile
from pipeline.settings import load

app = typer.Typer()


@app.command()
def doctor(
    config: SettingsFile = None,
    cameras: Annotated[
        bool, typer.Option("--cameras/--no-cameras", help="Open each camera of the settings, for some seconds.")
    ] = True,
) -> None:
    """Say what stands in the way on this machine, of its Kafka, model and cameras, and what to do about it."""
    from pipeline.local.doctor import examine, render

    console = Console()
    with console.status("looking"):
        checks = examine(load(config), config, cameras=cameras)
    render(checks, console, f"emostream up -c {config}" if config else "emostream demo")
    raise typer.Exit(1 if any(check.failed for check in checks) else 0)
