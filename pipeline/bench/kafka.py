"""`emostream bench kafka`: frames a second into a broker and out of it, through the clients that the roles use."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.console import Console

from pipeline.bench.broker import broker_alone
from pipeline.bench.frames import record
from pipeline.bench.medians import medians
from pipeline.bench.through import apart, publish
from pipeline.capture.spec import ReadOptions
from pipeline.capture.uri import camera_specs
from pipeline.kafka.reader import Reader
from pipeline.local.processes import cpu_seconds
from pipeline.settings import CameraSettings, Settings
from pipeline.topics import FRAMES

PARTS = {"kafka": "broker", "self": "client"}


def run(settings: Settings, uri: str, frames: int, rounds: int, console: Console) -> dict[str, Any]:
    """Medians over the rounds. CPU: seconds a frame, of broker and client."""
    options = ReadOptions(settings.capture.max_side, settings.capture.jpeg_quality)
    recorded = record(camera_specs([CameraSettings(uri=uri)]), frames, options)
    written, read = [], []
    with broker_alone(settings) as (placed, _):
        for number in range(rounds):
            chosen = apart(placed, f"kafka{number}")
            written.append(_timed(frames, partial(publish, chosen, recorded)))
            read.append(_timed(frames, partial(_read, chosen)))
            speeds = f"{written[-1]['frames_per_second']:.0f} in, {read[-1]['frames_per_second']:.0f} out"
            console.print(f"round {number + 1} of {rounds}: {speeds}, frames/s")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "frames": frames,
        "frame_bytes": round(statistics.mean(len(jpeg) for _, jpeg in recorded)),
        "rounds": rounds,
        "in": medians(written),
        "out": medians(read),
    }


def _read(settings: Settings) -> None:
    with Reader(settings.kafka, [FRAMES]) as reader:
        reader.from_beginning()
        for _ in reader.to_end():
            pass


def _timed(frames: int, work: Callable[[], None]) -> dict[str, float]:
    before, began = cpu_seconds(), time.perf_counter()
    work()
    took, after = time.perf_counter() - began, cpu_seconds()
    return {"frames_per_second": frames / took} | {
        f"{told}_cpu": (after[part] - before[part]) / frames for part, told in PARTS.items()
    }
