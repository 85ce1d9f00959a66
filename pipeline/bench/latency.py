"""`emostream bench latency`: how long a frame takes from capture to a consumer, at half of what the system can do.

The rate that it can do is found first, with frames that lie ready. Then frames come at half of it, as cameras give
them. What is compared with: the sum of what the stages take, each by its median; the rest is waiting.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from pipeline.bench.frames import record
from pipeline.bench.medians import medians
from pipeline.bench.through import Paced, at_a_pace, every_face, through_the_pipeline
from pipeline.capture.spec import ReadOptions
from pipeline.capture.uri import camera_specs
from pipeline.console.start import StartView
from pipeline.local.stack import LocalStack
from pipeline.settings import CameraSettings, Settings

LOAD = 0.5


def run(settings: Settings, uris: Sequence[str], frames: int, rounds: int, console: Console) -> dict[str, Any]:
    """Figures are medians over the rounds. Seconds."""
    settings = every_face(settings)
    cameras = camera_specs([CameraSettings(uri=uri) for uri in uris])
    options = ReadOptions(settings.capture.max_side, settings.capture.jpeg_quality)
    console.print(f"recording {frames} frames of {len(cameras)} cameras")
    recorded = record(cameras, frames, options)
    found = []
    with StartView(console) as progress, LocalStack(settings, settings.run_dir, progress.tell) as stack:
        for number in range(rounds):
            full = through_the_pipeline(stack, stack.settings, recorded, f"full{number}")[0]["frames_per_second"]
            paced = at_a_pace(stack, stack.settings, recorded, f"half{number}", full * LOAD)
            found.append(_figures(full, paced))
            console.print(f"round {number + 1} of {rounds}: {found[-1]}")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "frames": len(recorded),
        "rounds": rounds,
        **medians([figures for figures, _ in found]),
        "ratios": [figures["ratio"] for figures, _ in found],
        "stages": medians([stages for _, stages in found]),
    }


def _figures(full: float, paced: Paced) -> tuple[dict[str, float], dict[str, float]]:
    """And the stages, each by its median."""
    stages = {stage: statistics.median(each) for stage, each in paced.stages.items()}
    hundredths = statistics.quantiles(paced.latencies, n=100)
    figures = {
        "full_frames_per_second": full,
        "frames_per_second": paced.frames_per_second,
        "p50": hundredths[49],
        "p99": hundredths[98],
        "sum_of_stages": sum(stages.values()),
        "ratio": hundredths[98] / sum(stages.values()),
    }
    return {name: round(value, 4) for name, value in figures.items()}, stages
