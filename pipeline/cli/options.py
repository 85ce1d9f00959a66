"""Options that several commands share, and what becomes of their values."""

from __future__ import annotations

import getpass
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.errors import EmostreamError, UsageError
from pipeline.wording import Language

SettingsFile = Annotated[Path | None, typer.Option("-c", "--config", help="Settings file; see docs/settings.md.")]
Cameras = Annotated[
    list[str] | None,
    typer.Option(
        "--camera", help="Camera URI, such as 'clip.mp4?fps=10&loop=true&id=hall'; may be given several times."
    ),
]
Seconds = Annotated[float | None, typer.Option("--seconds", min=1, help="Stop after so many seconds.")]
ReportFile = Annotated[Path | None, typer.Option("--report", help="Write the run's report to this file, as JSON.")]
FacesCsv = Annotated[Path, typer.Option("--data", help="FER2013's csv: emotion,pixels,Usage.")]
SpokenLanguage = Annotated[Language, typer.Option("--language", help="Of what is written.")]
By = Annotated[str, typer.Option("--by", default_factory=getpass.getuser, help="Who asks.", show_default="you")]


def write_report(file: Path | None, outcome: dict[str, Any]) -> None:
    if file is None:
        return
    try:
        file.write_text(json.dumps(outcome, indent=2) + "\n")
    except OSError as error:
        raise EmostreamError(f"{file}: the report cannot be written: {error.strerror}", "name another file") from None


def check_writable(file: Path) -> None:
    """Better known before the run than after it."""
    if not os.access(file if file.exists() else file.parent, os.W_OK) or file.is_dir():
        raise UsageError(f"--report: {file} cannot be written", "name a file in a folder that exists")


def stop_on_signals() -> threading.Event:
    """Set at the first Ctrl-C or SIGTERM; a second one ends the process at once."""
    stop = threading.Event()

    def asked(number: int, _: object) -> None:
        if stop.is_set():
            os.write(sys.stderr.fileno(), b"emostream: ended at once, as asked a second time; no report is written\n")
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, asked)
    return stop
