"""`emostream privacy`: what is kept of people."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from pipeline.cli.options import SettingsFile
from pipeline.settings import load

privacy_app = typer.Typer(help="What is kept of people, where, and for how long.", no_args_is_help=True)


@privacy_app.callback()
def _commands() -> None:
    pass


@privacy_app.command("report")
def privacy_report(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    config: SettingsFile = None,
) -> None:
    """List what is kept of people on Kafka now, since when and for how long; ends with 1 where it is kept too long."""
    from pipeline.privacy.report import report, show

    found = report(load(config))
    if as_json:
        print(json.dumps(found.to_json(), indent=2))
    else:
        show(found, Console())
    raise typer.Exit(0 if found.as_promised else 1)
