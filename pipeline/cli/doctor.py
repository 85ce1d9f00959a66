"""`emostream doctor`."""

from __future__ import annotations

import typer
from rich.console import Console

from pipeline.cli.options import SettingsFile
from pipeline.settings import load

app = typer.Typer()


@app.command()
def doctor(config: SettingsFile = None) -> None:
    """Say what is missing on this machine and how to get it."""
    from pipeline.local.doctor import examine, render

    checks = examine(load(config))
    render(checks, Console())
    raise typer.Exit(1 if any(check.failed for check in checks) else 0)
