"""`emostream bench`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.cli.options import (
    Cameras,
    FacesCsv,
    ReportFile,
    SettingsFile,
    write_report,
)
from pipeline.logs import set_up
from pipeline.policy.check import as_shown
from pipeline.settings import load

PURPOSE = "to measure emostream"
FOUR = [f"synthetic:?people=2&seed={seed}&id=camera-{seed}" for seed in range(1, 5)]

bench_app = typer.Typer(help="Measured speed, and how well camera faces are read.", no_args_is_help=True)


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
    outcome = run(as_shown(load(config), PURPOSE), camera or FOUR, frames, rounds, Console())
    print(json.dumps(outcome, indent=2))
    write_report(report, outcome)


@bench_app.command("latency")
def bench_latency(
    camera: Cameras = None,
    frames: Annotated[int, typer.Option(min=200, help="Frames of each run.")] = 1500,
    rounds: Annotated[int, typer.Option(min=1, help="Times that it is measured.")] = 3,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """From capture to a consumer at half load, beside what the stages take by themselves."""
    from pipeline.bench.latency import run

    set_up("CRITICAL")
    write_report(report, run(as_shown(load(config), PURPOSE), camera or FOUR, frames, rounds, Console()))


@bench_app.command("cameras")
def bench_cameras(
    camera: Annotated[str, typer.Option("--camera", help="Whose frames are shared out.")] = FOUR[0],
    count: Annotated[list[int] | None, typer.Option(min=1, help="Cameras; several times.")] = None,
    frames: Annotated[int, typer.Option(min=200, help="Frames of each run.")] = 1280,
    rate: Annotated[float, typer.Option(min=1, help="Frames a second, of all cameras together.")] = 32.0,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each number is measured, in turn.")] = 3,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """What a frame costs when the same frames come from few cameras or from many."""
    from pipeline.bench.cameras import run

    set_up("CRITICAL")
    settings = as_shown(load(config), PURPOSE)
    write_report(report, run(settings, camera, count or [4, 16, 64], frames, rate, rounds, Console()))


@bench_app.command("kafka")
def bench_kafka(
    camera: Annotated[str, typer.Option("--camera", help="Whose frames are written and read.")] = FOUR[0],
    frames: Annotated[int, typer.Option(min=50, help="Frames of each run.")] = 3000,
    rounds: Annotated[int, typer.Option(min=1, help="Times that it is measured.")] = 3,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """Frames a second into a broker on this machine and out of it."""
    from pipeline.bench.kafka import run

    set_up("CRITICAL")
    write_report(report, run(as_shown(load(config), PURPOSE), camera, frames, rounds, Console()))


@bench_app.command("capture")
def bench_capture(
    camera: Cameras = None,
    frames: Annotated[int, typer.Option(min=50, help="Frames of each run.")] = 600,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each camera is measured, in turn.")] = 3,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """Frames a second from each camera by itself, as fast as it gives them, onto Kafka."""
    from pipeline.bench.capture import run

    set_up("CRITICAL")
    write_report(report, run(as_shown(load(config), PURPOSE), camera or FOUR[:1], frames, rounds, Console()))


@bench_app.command("plan")
def bench_plan(
    cameras: Annotated[int, typer.Option(min=1, help="Of the run.")] = 6,
    fps: Annotated[float, typer.Option(min=0.1, help="Frames/s that each gives.")] = 6.0,
    faces: Annotated[int, typer.Option(min=0, help="In view of one camera.")] = 2,
    seconds: Annotated[float, typer.Option(min=2, help="Of each measurement.")] = 15.0,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """What `plan` says that a site needs, beside what a run with such cameras then takes on this machine."""
    from pipeline.bench.plan import run
    from pipeline.capacity.workload import Workload

    set_up("CRITICAL")
    settings = as_shown(load(config), PURPOSE)
    write_report(report, run(settings, Workload(cameras, fps, faces), seconds, Console()))


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
    write_report(report, run(as_shown(load(config), PURPOSE), uris, frames, rounds, Console()))


@bench_app.command("fer")
def bench_fer(
    clip: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A video with people in view throughout.")],
    python: Annotated[Path, typer.Option(exists=True, help="A Python that has the package fer.")],
    people: Annotated[int, typer.Option(min=1, help="In view in every frame.")] = 1,
    frames: Annotated[int, typer.Option(min=200, help="Frames of each run of ours: the clip over and over.")] = 3000,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each way is run, in turn.")] = 3,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """File in to events out, capture included, beside the package fer on the same clip."""
    from pipeline.bench.fer import run

    set_up("CRITICAL")
    settings = as_shown(load(config), PURPOSE)
    write_report(report, run(settings, clip, people, python, frames, rounds, Console()))


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

    write_report(report, run(load(config), video or [], seeds, seconds, Console()))


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
    write_report(report, outcome)


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

    write_report(report, run(load(config), data, split, faces, camera or [], frames, Console()))


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

    write_report(report, run(load(config), data, split, faces, camera or [], frames, Console()))


@bench_app.command("previews")
def bench_previews(
    data: Annotated[Path | None, typer.Option("--data", help="FER2013's csv, to try reading expressions, too.")] = None,
    faces: Annotated[int, typer.Option(min=10, help="Faces of FER2013's PublicTest, at most.")] = 800,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """Whether a face that no detector has found can be told in a preview: found again, matched, or read."""
    from pipeline.bench.previews import run

    write_report(report, run(load(config), data, faces, Console()))
