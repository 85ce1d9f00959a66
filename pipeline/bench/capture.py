"""`emostream bench capture`: frames a second from each camera by itself, as fast as it gives them, onto Kafka."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.bench.bare import WARM_UP
from pipeline.bench.broker import broker_alone
from pipeline.bench.medians import medians
from pipeline.bench.through import PATIENCE_SECONDS, POLL_SECONDS, apart, since
from pipeline.capture.uri import camera_specs
from pipeline.errors import DependencyError
from pipeline.kafka.reader import Reader
from pipeline.local.process import Process
from pipeline.local.processes import cpu_seconds
from pipeline.local.roles import role, write_settings
from pipeline.messages import Kind, record_kind
from pipeline.settings import CameraSettings, Settings
from pipeline.topics import FRAMES

PARTS = ("camera", "capture", "kafka")


def run(settings: Settings, uris: Sequence[str], frames: int, rounds: int, console: Console) -> dict[str, Any]:
    """By camera: frames a second, bytes of a frame, CPU seconds a frame by part; medians over the rounds.

    Raises DependencyError when a camera gives fewer frames than asked for.
    """
    found: dict[str, list[dict[str, float]]] = {uri: [] for uri in uris}
    with broker_alone(settings) as (placed, folder):
        for number in range(rounds):
            for at, uri in enumerate(uris):
                cameras = [CameraSettings(uri=uri, realtime=False)]
                prefix = f"capture{number}-{at}"
                chosen = apart(placed.model_copy(update={"cameras": cameras}), prefix)
                found[uri].append(_taken(chosen, folder.path / prefix, frames))
                speed = found[uri][-1]["frames_per_second"]
                console.print(f"round {number + 1} of {rounds}, {_shown(uri)}: {speed:.0f} frames/s")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "frames": frames,
        "rounds": rounds,
        "cameras": {_shown(uri): medians(each) for uri, each in found.items()},
    }


def _shown(uri: str) -> str:
    return camera_specs([CameraSettings(uri=uri)])[0].public_uri


def _taken(settings: Settings, folder: Path, frames: int) -> dict[str, float]:
    folder.mkdir()
    warm = max(1, int(frames * WARM_UP))
    file = write_settings(settings, folder)
    with Reader(settings.kafka, [FRAMES]) as reader, role("capture", file, folder) as capture:
        reader.from_beginning()
        sizes = _frames(reader, capture)
        for _ in range(warm):
            next(sizes)
        before, began = cpu_seconds(), time.monotonic()
        timed = [next(sizes) for _ in range(frames - warm)]
        took, spent = time.monotonic() - began, since(before)
    return {
        "frames_per_second": len(timed) / took,
        "frame_bytes": statistics.mean(timed),
        **{f"{part}_cpu": spent.get(part, 0.0) / len(timed) for part in PARTS},
    }


def _frames(reader: Reader, capture: Process) -> Iterator[int]:
    """The size of each frame that comes."""
    heard = time.monotonic()
    while True:
        sizes = [len(each.value) for each in reader.poll(POLL_SECONDS) if record_kind(each.headers) is Kind.FRAME]
        yield from sizes
        capture.check()
        if sizes:
            heard = time.monotonic()
        elif time.monotonic() - heard > PATIENCE_SECONDS:
            raise DependencyError("the camera gives no more frames", f"ask for fewer, or see {capture.log}")
