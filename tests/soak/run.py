"""One soak: the system as a user starts it, cameras that give it no rest, and somebody who watches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.soak.cameras import Rate, RestlessCameras, clip, scenes
from tests.soak.measured import Measured
from tests.soak.watch import watch

FIRST_FPS = 10.0
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Wear:
    """How long, how many cameras, and the seed of all chance."""

    minutes: float
    cameras: int
    seed: int


@dataclass(frozen=True)
class Outcome:
    """`code`: the system's exit code; `report`: what it wrote, empty when it broke off; `connections`: of restless
    cameras that gave pictures."""

    measured: Measured
    code: int
    report: dict[str, Any]
    connections: int


def soak(wear: Wear, folder: Path) -> Outcome:
    """`folder`: empty, for all that it writes."""
    rate = Rate(FIRST_FPS)
    pictures = scenes(wear.seed)
    report, output = folder / "run.json", folder / "up.log"
    with ExitStack() as stack:
        cameras = stack.enter_context(RestlessCameras(pictures, rate, wear.seed))
        looped = clip(folder / "looped.mp4", pictures[1])
        uris = [
            "synthetic:?people=2&size=320x240&fps=5&id=drawn",
            f"{looped}?loop=true&id=looped",
            *(cameras.url(f"restless-{number}") for number in range(wear.cameras - 2)),
        ]
        settings = folder / "soak.yaml"
        settings.write_text(json.dumps(_settings(folder / "runs", uris)))
        log = stack.enter_context(output.open("w"))
        command = [sys.executable, "-m", "pipeline.cli", "up", "--local", "-c", str(settings)]
        command += ["--seconds", str(60 * wear.minutes), "--report", str(report)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        system = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment)
        try:
            measured = watch(system, folder / "runs", rate, 60 * wear.minutes, wear.seed)
            code = system.wait()
        finally:
            if system.poll() is None:
                system.terminate()
                system.wait()
    if code or not report.exists():
        print(output.read_text()[-3000:], file=sys.stderr)
    return Outcome(measured, code, json.loads(report.read_text()) if report.exists() else {}, cameras.connections)


def _settings(runs: Path, uris: list[str]) -> dict[str, Any]:
    """Short windows, retention and memory of the page, so that many of all pass; reconnects without long pauses."""
    return {
        "run_dir": str(runs),
        "policy": {"purpose": "a soak of emostream", "setting": "demonstration"},
        "cameras": [{"uri": uri} for uri in uris],
        "kafka": {"partitions": 4, "frames_retention_minutes": 2},
        "watch": {"hours": 0.1},
        "capture": {
            "connect_timeout_seconds": 4,
            "stall_timeout_seconds": 3,
            "backoff_seconds": 0.1,
            "backoff_max_seconds": 1,
        },
        "analyze": {"actors": 2},
        "aggregate": {
            "windows": [{"seconds": 10}, {"seconds": 30, "every_seconds": 10}],
            "grace_seconds": 10,
            "idle_seconds": 5,
        },
    }
