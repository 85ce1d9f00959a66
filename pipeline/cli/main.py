"""The command line: `emostream`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from pipeline import __version__
from pipeline.cli import roles, run, topics
from pipeline.cli.alerts import alerts_app
from pipeline.cli.bench import bench_app
from pipeline.cli.options import SettingsFile
from pipeline.errors import EmostreamError
from pipeline.settings import load
from serving.cli import model_app

app = typer.Typer(
    name="emostream",
    help="Apparent facial expressions of many cameras, streamed as events.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for part in (run.app, roles.app, topics.app):
    app.add_typer(part)
app.add_typer(bench_app, name="bench")
app.add_typer(alerts_app, name="alerts")
app.add_typer(model_app, name="model", help="EmoNeXt: train, evaluate, package.")


@app.command()
def doctor(config: SettingsFile = None) -> None:
    """Say what is missing on this machine and how to get it."""
    from pipeline.local.doctor import examine, render

    checks = examine(load(config))
    render(checks, Console())
    raise typer.Exit(1 if any(check.failed for check in checks) else 0)


def _version(asked: bool) -> None:
    if asked:
        print(f"emostream {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point: errors are one line on stderr, and the exit code tells their kind."""
    try:
        app()
    except EmostreamError as error:
        print(f"emostream: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("EMOSTREAM_DEBUG"):
            raise
        what = " ".join(str(error).split())[:300]
        print(f"emostream: unexpected {type(error).__name__}: {what}; EMOSTREAM_DEBUG=1 shows where", file=sys.stderr)
        sys.exit(1)
