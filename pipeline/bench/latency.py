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
            found.append({"full_frames_per_second": full, **_figures(paced)})
            console.print(f"round {number + 1} of {rounds}: {found[-1]}")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "frames": len(recorded),
        "rounds": rounds,
        **{key: _median([each[key] for each in found]) for key in found[0]},
        "ratios": [each["ratio"] for each in found],
    }


def _figures(paced: Paced) -> dict[str, Any]:
    stages = {stage: statistics.median(each) for stage, each in paced.stages.items()}
    hundredths = statistics.quantiles(paced.latencies, n=100)
    return {
        "frames_per_second": round(paced.frames_per_second, 1),
        "p50": round(hundredths[49], 4),
        "p99": round(hundredths[98], 4),
        "stages": {stage: round(seconds, 5) for stage, seconds in stages.items()},
        "sum_of_stages": round(sum(stages.values()), 5),
        "ratio": round(hundredths[98] / sum(stages.values()), 2),
    }


def _median(values: Sequence[Any]) -> Any:
    if isinstance(values[0], dict):
        return {key: _median([each[key] for each in values]) for key in values[0]}
    return round(statistics.median(values), 5)
