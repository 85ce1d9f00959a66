"""One role alone, as containers run it."""

from __future__ import annotations

from pathlib import Path

import typer

from pipeline.cli.options import (
    SettingsFile,
    stop_on_signals,
)
from pipeline.logs import set_up
from pipeline.policy.check import require
from pipeline.settings import Settings, load

app = typer.Typer()


@app.command()
def capture(config: SettingsFile = None) -> None:
    """Capture alone: cameras of the settings to `frames`."""
    from pipeline.capture.service import run

    raise typer.Exit(run(_role("capture", config), stop_on_signals()))


@app.command()
def analyze(config: SettingsFile = None) -> None:
    """Analyze alone: `frames` to `emotion-events`, with Ray actors."""
    from pipeline.cluster.role import run

    run(_role("analyze", config), stop_on_signals)


@app.command()
def aggregate(config: SettingsFile = None) -> None:
    """Aggregate alone: `emotion-events` to `emotion-windows` and `emotion-alerts`."""
    from pipeline.aggregate.role import run

    run(_role("aggregate", config), stop_on_signals())


@app.command()
def webhooks(config: SettingsFile = None) -> None:
    """Webhooks alone: `emotion-alerts` to the addresses of the settings."""
    from pipeline.webhooks.service import run

    run(_role("webhooks", config), stop_on_signals())


def _role(name: str, config: Path | None) -> Settings:
    settings = load(config)
    require(settings.policy)
    set_up(settings.log_level, logs=settings.logs, role=name)
    return settings
