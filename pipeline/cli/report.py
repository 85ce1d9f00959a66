"""`emostream report`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import complete
from pipeline.cli.options import SettingsFile, SpokenLanguage
from pipeline.settings import load
from pipeline.wording import Language

app = typer.Typer()


@app.command()
def report(
    zone: Annotated[str, typer.Option(help="A zone, or the camera of a room.", autocompletion=complete.places)],
    day: Annotated[
        str, typer.Option(help="A day in the site's time zone: 2026-11-20, today, yesterday.")
    ] = "yesterday",
    output: Annotated[Path | None, typer.Option(help="The page. Default: report-ZONE-DAY.html.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="The same as PDF, into this file.")] = None,
    language: SpokenLanguage = Language.EN,
    config: SettingsFile = None,
) -> None:
    """Write a day of one room as a page to read in two minutes: expressions, coverage, alerts, quiet, missing."""
    from pipeline.care.command import Files
    from pipeline.care.command import report as write

    for file in write(load(config), zone, day, Files(output, pdf), language, datetime.now(UTC)):
        print(file)
