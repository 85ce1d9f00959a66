"""`emostream bench pipeline`: frames -> events through Kafka, Ray and TorchServe, beside a bare loop, in one run."""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rich.console import Console

from pipeline.bench.frames import Frames, record, save
from pipeline.bench.through import every_face, held, through_the_pipeline
from pipeline.capture.spec import CameraKind, CameraSpec, ReadOptions
from pipeline.capture.uri import camera_specs
from pipeline.console.start import StartView
from pipeline.errors import DependencyError, UsageError
from pipeline.kafka.clients import apply_topics
from pipeline.local.stack import LocalStack
from pipeline.local.system import Plan, SystemRun
from pipeline.settings import CameraSettings, Settings

WAYS = ("in-turn", "overlapped")
NOT_OURS = ("kafka", "self")  # the broker, and this benchmark itself


def run(settings: Settings, uris: Sequence[str], frames: int, rounds: int, console: Console) -> dict[str, Any]:
    """Runs each way `rounds` times in turn; figures are medians, `ratio` is the median of the rounds' ratios."""
    settings = every_face(settings)  # as the bare loop does
    cameras = camera_specs([CameraSettings(uri=uri) for uri in uris])
    if frames < 3 * held(settings):
        raise UsageError(f"--frames: {frames} are too few", f"{3 * held(settings)} at least, for a steady state")
    options = ReadOptions(settings.capture.max_side, settings.capture.jpeg_quality)
    console.print(f"recording {frames} frames of {len(cameras)} cameras")
    recorded = record(cameras, frames, options)
    with tempfile.TemporaryDirectory() as temporary, StartView(console) as progress:
        folder = Path(temporary)
        save(recorded, folder / "frames")
        with LocalStack(settings, settings.run_dir, progress.tell) as stack:
            results = []
            for number in range(rounds):
                console.print(f"round {number + 1} of {rounds}")
                results.append(_round(stack, recorded, folder, number, console))
            console.print("with capture")
            whole = _whole(stack, cameras, frames)
    return _report(results, whole, recorded)


def _round(stack: LocalStack, frames: Frames, folder: Path, number: int, console: Console) -> dict[str, Any]:
    settings_file = folder / "settings.json"
    settings_file.write_text(stack.settings.model_dump_json())
    bare = {way: _bare(folder / "frames", settings_file, way) for way in WAYS}
    through = through_the_pipeline(stack, stack.settings, frames, f"bench{number}")[0]
    best = max(figures["frames_per_second"] for figures in bare.values())
    for way, figures in bare.items():
        console.print(f"  bare loop, {way}: {figures['frames_per_second']:.1f} frames/s")
    speed = through["frames_per_second"]
    console.print(f"  pipeline: {speed:.1f} frames/s, {speed / best:.2f} of it")
    return {"bare": bare, "pipeline": through, "best": best}


def _bare(frames: Path, settings: Path, way: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "pipeline.bench.bare", str(frames), str(settings), way]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DependencyError(f"the bare loop failed: {done.stderr.strip().splitlines()[-1:]}", "see EMOSTREAM_DEBUG=1")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _whole(stack: LocalStack, cameras: Sequence[CameraSpec], frames: int) -> dict[str, Any] | None:
    """The cameras through capture as well, as fast as the system takes them; None when one of them never ends."""
    if any(camera.endless for camera in cameras):
        return None
    chosen = [_finite(camera, -(-frames // len(cameras))) for camera in cameras]
    kafka = stack.settings.kafka.model_copy(update={"topic_prefix": "whole", "group": "whole"})
    settings = stack.settings.model_copy(update={"kafka": kafka, "cameras": chosen})
    apply_topics(kafka)
    folder = stack.run.path / "whole"
    (folder / "logs").mkdir(parents=True)
    quiet = Console(file=io.StringIO())
    plan = Plan(settings, tuple(camera_specs(chosen)), folder, headless=True)
    report = SystemRun(plan, quiet, threading.Event(), stack).run()
    return {key: report[key] for key in ("frames_per_second", "frames", "seconds", "balanced")}


def _finite(camera: CameraSpec, frames: int) -> CameraSettings:
    """The camera as one that ends and does not keep to the clock."""
    if camera.kind is not CameraKind.SYNTHETIC:
        return CameraSettings(uri=camera.location, id=camera.id, realtime=False, fps=camera.fps)
    options = urlencode({**camera.options, "frames": frames})
    return CameraSettings(uri=f"synthetic:?{options}", id=camera.id, realtime=False, fps=camera.fps)


def _report(rounds: list[dict[str, Any]], whole: dict[str, Any] | None, frames: Frames) -> dict[str, Any]:
    """What `--report` holds. Seconds a frame: `stages` by wall clock, `cpu` by CPU time over all processes."""

    def median(of: Callable[[dict[str, Any]], float]) -> float:
        return round(statistics.median(of(each) for each in rounds), 6)

    def medians(of: Callable[[dict[str, Any]], dict[str, float]]) -> dict[str, float]:
        figures = [of(each) for each in rounds]
        return {key: round(statistics.median(one.get(key, 0.0) for one in figures), 6) for key in figures[0]}

    def beyond(each: dict[str, Any]) -> float:
        """CPU seconds a frame beyond decoding, detecting, cutting out and the model."""
        spent = each["pipeline"]["cpu_seconds_per_frame"]
        bare = min(figures["cpu_seconds_per_frame"] for figures in each["bare"].values())
        return float(sum(seconds for part, seconds in spent.items() if part not in NOT_OURS) - bare)

    baseline = median(lambda each: each["best"])
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "frames": len(frames),
        "frame_size": f"{frames[0][0].width}x{frames[0][0].height}",
        "faces": rounds[0]["pipeline"]["faces"],
        "cores": len(os.sched_getaffinity(0)),
        "rounds": len(rounds),
        "frames_per_second": median(lambda each: each["pipeline"]["frames_per_second"]),
        "baseline_frames_per_second": baseline,
        "baseline": medians(lambda each: {way: figures["frames_per_second"] for way, figures in each["bare"].items()}),
        "ratio": median(lambda each: each["pipeline"]["frames_per_second"] / each["best"]),
        "ratios": [round(each["pipeline"]["frames_per_second"] / each["best"], 3) for each in rounds],
        "with_capture": whole,
        "ratio_with_capture": None if whole is None else round(whole["frames_per_second"] / baseline, 3),
        "stages": medians(lambda each: each["pipeline"]["stages"]),
        "cpu_seconds_per_frame": medians(lambda each: each["pipeline"]["cpu_seconds_per_frame"]),
        "beyond_cpu_seconds_per_frame": median(beyond),
        "baseline_cpu_seconds_per_frame": medians(
            lambda each: {way: figures["cpu_seconds_per_frame"] for way, figures in each["bare"].items()}
        ),
    }
