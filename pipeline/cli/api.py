"""`emostream api`."""

from __future__ import annotations

import typer

from pipeline.cli.options import SettingsFile, stop_on_signals
from pipeline.logs import set_up
from pipeline.policy.check import require
from pipeline.settings import load

app = typer.Typer()


@app.command()
def api(config: SettingsFile = None) -> None:
    """The control API alone, on Ray Serve: cameras, alerts, windows, status."""
    from pipeline.cluster.api import run

    settings = load(config)
    require(settings.policy)
    set_up(settings.log_level, logs=settings.logs, role="api")
    run(settings, stop_on_signals)
