"""`emostream dashboard`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import SettingsFile, stop_on_signals
from pipeline.logs import set_up
from pipeline.policy.check import require
from pipeline.settings import load

app = typer.Typer()

Port = Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port of the page; 0: a free one.")]


@app.command()
def dashboard(port: Port = None, config: SettingsFile = None) -> None:
    """The page alone: what is known of the site, in a browser."""
    from pipeline.dashboard.service import run

    settings = load(config)
    require(settings.policy)
    set_up(settings.log_level, logs=settings.logs, role="dashboard")
    if port is not None:
        settings = settings.model_copy(update={"dashboard": settings.dashboard.model_copy(update={"port": port})})
    run(settings, stop_on_signals(), lambda address: print(f"the page is at {address}", flush=True))
