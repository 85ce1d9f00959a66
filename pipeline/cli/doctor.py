"""`emostream doctor`."""

from __future__ import annotations

import typer
from rich.console import Console

from pipeline.cli.options import SettingsFile
from pipeline.settings import load

app = typer.Typer()


@app.command()
def doctor(config: SettingsFile = None) -> None:
    """Say what stands in the way on this machine, of its Kafka and model, and what to do about it."""
    from pipeline.local.doctor import examine, render

    checks = examine(load(config), config)
    render(checks, Console(), f"emostream up -c {config}" if config else "emostream demo")
    raise typer.Exit(1 if any(check.failed for check in checks) else 0)
