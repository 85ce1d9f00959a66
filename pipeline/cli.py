"""The command line: `emostream`."""

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
from rich.console import Console

from pipeline import __version__
from pipeline.errors import EmostreamError, UsageError
from pipeline.logs import set_up
from pipeline.messages import Scope
from pipeline.settings import CameraSettings, Settings, load
from pipeline.topics import EVENTS, FRAMES
from serving.cli import model_app

app = typer.Typer(
    name="emostream",
    help="Apparent facial expressions of many cameras, streamed as events.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
topics_app = typer.Typer(help="Kafka topics.", no_args_is_help=True)
alerts_app = typer.Typer(help="Alerts: what stands, who looks after it, what is to be quiet.", no_args_is_help=True)
bench_app = typer.Typer(help="Measured speed, and how well camera faces are read.", no_args_is_help=True)
app.add_typer(topics_app, name="topics")
app.add_typer(bench_app, name="bench")
app.add_typer(alerts_app, name="alerts")
app.add_typer(model_app, name="model", help="EmoNeXt: train, evaluate, package.")

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
Rule = Annotated[str | None, typer.Option("--rule", help="Alerts of this rule; `alerts rules` lists them.")]
AlertScope = Annotated[Scope | None, typer.Option("--scope", help="What --scope-id names, where that is not clear.")]
ScopeId = Annotated[str | None, typer.Option("--scope-id", help="Alerts of this camera, zone or site.")]
By = Annotated[str, typer.Option("--by", default_factory=getpass.getuser, help="Who asks.", show_default="you")]

DEMO_CAMERAS = (
    "synthetic:?people=1&seed=1&id=room-101",
    "synthetic:?people=2&seed=2&id=room-102",
    "synthetic:?people=1&seed=3&id=room-103",
    "synthetic:?people=3&seed=4&id=day-room",
)


@app.command()
def demo(
    seconds: Seconds = None,
    report: ReportFile = None,
    camera: Cameras = None,
    config: SettingsFile = None,
) -> None:
    """Run the whole system on this machine: real Kafka, Ray and TorchServe; synthetic cameras unless some are given."""
    settings = load(config)
    cameras = camera or ([] if settings.cameras else list(DEMO_CAMERAS))
    _run(settings, cameras, local=True, seconds=seconds, report=report)


@app.command()
def up(
    config: SettingsFile = None,
    camera: Cameras = None,
    local: Annotated[
        bool, typer.Option("--local", help="Start Kafka, TorchServe and Ray on this machine, too.")
    ] = False,
    seconds: Seconds = None,
    report: ReportFile = None,
) -> None:
    """Run capture and analyze. Ends by itself when every camera was a file and all is drained."""
    settings = load(config)
    if not camera and not settings.cameras:
        raise UsageError("cameras: none given", "name them in the settings file or with --camera URI")
    _run(settings, camera or [], local=local, seconds=seconds, report=report)


@app.command()
def capture(config: SettingsFile = None) -> None:
    """Capture alone: cameras of the settings to `frames`."""
    from pipeline.capture.service import run

    raise typer.Exit(run(_role(config), _stop_on_signals()))


@app.command()
def analyze(config: SettingsFile = None) -> None:
    """Analyze alone: `frames` to `emotion-events`, with Ray actors."""
    from pipeline.cluster.role import run

    run(_role(config), _stop_on_signals)


@app.command()
def aggregate(config: SettingsFile = None) -> None:
    """Aggregate alone: `emotion-events` to `emotion-windows` and `emotion-alerts`."""
    from pipeline.aggregate.service import run

    run(_role(config), _stop_on_signals())


@app.command()
def webhooks(config: SettingsFile = None) -> None:
    """Webhooks alone: `emotion-alerts` to the addresses of the settings."""
    from pipeline.webhooks.service import run

    run(_role(config), _stop_on_signals())


@app.command()
def events(
    topic: Annotated[str, typer.Option(help="Topic to read.")] = EVENTS,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes.")] = False,
    since: Annotated[
        str | None, typer.Option(help="From this time on: 90s, 10m, 2h, 1d ago, or an ISO time. Default: all.")
    ] = None,
    config: SettingsFile = None,
) -> None:
    """Print a topic as JSON lines."""
    from pipeline.console.events import show

    stop = _stop_on_signals()
    show(load(config).kafka, topic, follow, since, stop)


@app.command()
def replay(
    topic: Annotated[str, typer.Option(help="frames or emotion-events.")] = FRAMES,
    since: Annotated[str | None, typer.Option(help="From this time on, as `events` takes it. Default: all.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time. Default: where the topic ends now.")] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera's; may be given several times.")] = None,
    name: Annotated[str | None, typer.Option(help="Names the replay's topics. Default: the time.")] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of the model to try, in place of the settings'.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Remove the topics of the replay --name.")] = False,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """Old frames or observations through the same code, into topics of their own, and what comes out otherwise."""
    from pipeline.replay.command import Options, run
    from pipeline.replay.command import delete as remove

    set_up("CRITICAL")
    settings = load(config)
    if delete:
        remove(settings.kafka, name, Console())
        return
    if report is not None:
        _check_writable(report)
    options = Options(topic, since, until, tuple(camera or ()), name, model)
    _write_report(report, run(settings, options, Console(), _stop_on_signals()))


@topics_app.command("apply")
def topics_apply(config: SettingsFile = None) -> None:
    """Create the topics that are missing."""
    from pipeline.kafka.clients import apply_topics

    created = apply_topics(load(config).kafka)
    print("created: " + ", ".join(created) if created else "all topics are there")


@topics_app.command("check")
def topics_check(config: SettingsFile = None) -> None:
    """Compare the topics with the plan."""
    from pipeline.kafka.clients import check_topics

    lines = check_topics(load(config).kafka)
    print("\n".join(lines) or "all topics are as planned")
    raise typer.Exit(1 if lines else 0)


@app.command()
def doctor(config: SettingsFile = None) -> None:
    """Say what is missing on this machine and how to get it."""
    from pipeline.local.doctor import examine, render

    checks = examine(load(config))
    render(checks, Console())
    raise typer.Exit(1 if any(check.failed for check in checks) else 0)


@alerts_app.command("list")
def alerts_list(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are cleared.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
    config: SettingsFile = None,
) -> None:
    """Print the alerts that stand."""
    from pipeline.console.alerts import show

    show(load(config).kafka, everything, as_json, Console())


@alerts_app.command("rules")
def alerts_rules(config: SettingsFile = None) -> None:
    """Print the rules of the settings."""
    from pipeline.console.alerts import show_rules

    show_rules(load(config), Console())


@alerts_app.command("ack")
def alerts_ack(
    alert: Annotated[str, typer.Argument(help="The alert's id, or how it begins.")], by: By, config: SettingsFile = None
) -> None:
    """Say that somebody looks after an alert: it calls nobody any more."""
    from pipeline.console.alerts import acknowledge

    print(acknowledge(load(config), alert, by))


@alerts_app.command("silence")
def alerts_silence(
    lasts: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, at most 24h; 0s ends it.")],
    by: By,
    rule: Rule = None,
    scope: AlertScope = None,
    scope_id: ScopeId = None,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    config: SettingsFile = None,
) -> None:
    """Let alerts call nobody for a while; they are told on the topic all the same."""
    from pipeline.console.alerts import silence

    print(silence(load(config), rule, scope, scope_id, lasts, by, reason))


@alerts_app.command("forget")
def alerts_forget(
    by: By, rule: Rule = None, scope: AlertScope = None, scope_id: ScopeId = None, config: SettingsFile = None
) -> None:
    """Close alerts and learn anew what is usual: somebody else lives there, a camera is gone for good."""
    from pipeline.console.alerts import forget

    print(forget(load(config), rule, scope, scope_id, by))


@bench_app.command("pipeline")
def bench_pipeline(
    camera: Cameras = None,
    frames: Annotated[int, typer.Option(min=50, help="Frames of each run.")] = 1500,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each way is run, in turn.")] = 3,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """Frames to events through Kafka, Ray and TorchServe, beside a bare loop with the same detector and model."""
    from pipeline.bench.pipeline import run

    set_up("CRITICAL")
    uris = camera or [f"synthetic:?people=2&seed={seed}&id=camera-{seed}" for seed in range(1, 5)]
    outcome = run(load(config), uris, frames, rounds, Console())
    print(json.dumps(outcome, indent=2))
    _write_report(report, outcome)


@bench_app.command("crowd")
def bench_crowd(
    camera: Cameras = None,
    frames: Annotated[int, typer.Option(min=50, help="Frames of each run.")] = 900,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each way is run, in turn.")] = 3,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """A crowd: only the faces that are due are read by the model, beside every face read.

    Several cameras are seen side by side in one picture, so that clips of single people make a crowd.
    """
    from pipeline.bench.crowd import run

    set_up("CRITICAL")
    uris = camera or ["synthetic:?people=10&seed=1&id=hall&seconds=60"]
    _write_report(report, run(load(config), uris, frames, rounds, Console()))


@bench_app.command("tracking")
def bench_tracking(
    video: Annotated[list[Path] | None, typer.Option(exists=True, help="A clip, beside the scenes; several.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Scenes of each room and frame rate.")] = 2,
    seconds: Annotated[float, typer.Option(min=1, help="Of each scene.")] = 20.0,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """How well the trackers keep people apart: scripted scenes, and clips."""
    from pipeline.bench.tracking import run

    _write_report(report, run(load(config), video or [], seeds, seconds, Console()))


@bench_app.command("serving")
def bench_serving(
    batch: Annotated[list[int] | None, typer.Option(min=1, max=512, help="Crops of a request; several times.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each way is run, in turn.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each turn.")] = 2.0,
    requests: Annotated[int, typer.Option(min=1, help="Requests in flight to the server.")] = 2,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """Faces a second of the model behind TorchServe (HTTP, gRPC) and in process, beside the bare model."""
    from pipeline.bench.serving import run

    set_up("CRITICAL")
    outcome = run(load(config), batch or [1, 8, 32, 64], rounds, seconds, requests, Console())
    _write_report(report, outcome)


@bench_app.command("framing")
def bench_framing(
    data: FacesCsv,
    camera: Cameras = None,
    split: Annotated[str, typer.Option(help="FER2013's split.")] = "PublicTest",
    faces: Annotated[int, typer.Option(min=10, help="Faces of the split, at most.")] = 4000,
    frames: Annotated[int, typer.Option(min=1, help="Frames of each camera.")] = 60,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """Crops of FER2013's faces found by the detector, beside the originals: framings, accuracy, landmarks."""
    from pipeline.bench.framing import run

    _write_report(report, run(load(config), data, split, faces, camera or [], frames, Console()))


@bench_app.command("quality")
def bench_quality(
    data: FacesCsv,
    camera: Cameras = None,
    split: Annotated[str, typer.Option(help="FER2013's split.")] = "PublicTest",
    faces: Annotated[int, typer.Option(min=10, help="Faces of the split, at most.")] = 800,
    frames: Annotated[int, typer.Option(min=1, help="Frames of each camera.")] = 60,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """Accuracy on faces that are blurred, small, dark, turned..., and which of them are not read."""
    from pipeline.bench.quality import run

    _write_report(report, run(load(config), data, split, faces, camera or [], frames, Console()))


def _run(settings: Settings, cameras: list[str], *, local: bool, seconds: float | None, report: Path | None) -> None:
    from pipeline.local.process import Cancelled
    from pipeline.local.run import run
    from pipeline.local.system import RunFailed

    if cameras:
        chosen = [CameraSettings(uri=uri) for uri in cameras]
        settings = settings.model_copy(update={"cameras": chosen})
    set_up("CRITICAL")
    if report is not None:
        _check_writable(report)
    try:
        outcome = run(settings, local=local, seconds=seconds, console=Console(), stop=_stop_on_signals())
    except RunFailed as failed:
        _write_report(report, failed.report)
        raise
    except Cancelled:
        raise EmostreamError("stopped while starting", "nothing was captured") from None
    _write_report(report, outcome)


def _write_report(file: Path | None, outcome: dict[str, Any]) -> None:
    if file is None:
        return
    try:
        file.write_text(json.dumps(outcome, indent=2) + "\n")
    except OSError as error:
        raise EmostreamError(f"{file}: the report cannot be written: {error.strerror}", "name another file") from None


def _check_writable(file: Path) -> None:
    """Better known before the run than after it."""
    if not os.access(file if file.exists() else file.parent, os.W_OK) or file.is_dir():
        raise UsageError(f"--report: {file} cannot be written", "name a file in a folder that exists")


def _role(config: Path | None) -> Settings:
    settings = load(config)
    set_up(settings.log_level)
    return settings


def _stop_on_signals() -> threading.Event:
    """Set at the first Ctrl-C or SIGTERM; a second one ends the process at once."""
    stop = threading.Event()

    def asked(number: int, _: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, asked)
    return stop


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


if __name__ == "__main__":
    main()
