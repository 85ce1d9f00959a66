"""The command line: `emostream`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from pipeline import __version__
from pipeline.cli import api, dashboard, doctor, init, plan, policy, report, roles, run, topics
from pipeline.cli.alerts import alerts_app
from pipeline.cli.bench import bench_app
from pipeline.cli.cameras import cameras_app
from pipeline.cli.privacy import privacy_app
from pipeline.cli.rollout import rollout_app
from pipeline.cores import forbid
from pipeline.errors import EmostreamError
from pipeline.settings import ignored
from serving.cli import model_app

app = typer.Typer(
    name="emostream",
    help="Apparent facial expressions of many cameras, streamed as events.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for part in (
    init.app,
    run.app,
    roles.app,
    api.app,
    dashboard.app,
    topics.app,
    policy.app,
    report.app,
    doctor.app,
    plan.app,
):
    app.add_typer(part)
app.add_typer(bench_app, name="bench")
app.add_typer(privacy_app, name="privacy")
app.add_typer(cameras_app, name="cameras")
app.add_typer(alerts_app, name="alerts")
model_app.add_typer(rollout_app, name="rollout")
app.add_typer(model_app, name="model", help="EmoNeXt: train, evaluate, package, bring into service.")


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
    for variable in ignored(os.environ):
        print(f"emostream: {variable} is no setting, so it is ignored; docs/settings.md lists them", file=sys.stderr)


def main() -> None:
    """Entry point: errors go to stderr, a line each, and the exit code tells their kind."""
    forbid()
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
        from pipeline.logs.redact import redact

        what = redact(" ".join(str(error).split()))[:300]
        print(f"emostream: unexpected {type(error).__name__}: {what}; EMOSTREAM_DEBUG=1 shows where", file=sys.stderr)
        sys.exit(1)
