"""`emostream bench cameras`: what a frame costs when the same frames come from few cameras or from many."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from pipeline.bench.frames import Frames, record
from pipeline.bench.medians import medians
from pipeline.bench.through import at_a_pace, every_face
from pipeline.capture.spec import ReadOptions
from pipeline.capture.uri import camera_specs
from pipeline.console.start import StartView
from pipeline.local.stack import LocalStack
from pipeline.messages import FrameId
from pipeline.settings import CameraSettings, Settings

ROLES = ("analyze", "aggregate")
ASIDE = ("self", "guardian", "other")


def run(
    settings: Settings, uri: str, counts: Sequence[int], frames: int, rate: float, rounds: int, console: Console
) -> dict[str, Any]:
    """`rate`: frames a second of all cameras together. CPU seconds a frame, medians over the rounds.

    `ratio`: of the most cameras over the fewest.
    """
    settings = every_face(settings)  # else cameras with fewer frames a second would have more faces that are due
    options = ReadOptions(settings.capture.max_side, settings.capture.jpeg_quality)
    recorded = record(camera_specs([CameraSettings(uri=uri)]), frames, options)
    found: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
    with StartView(console) as progress, LocalStack(settings, settings.run_dir, progress.tell) as stack:
        for number in range(rounds):
            for count in counts:
                prefix = f"of{count}-{number}"
                paced = at_a_pace(stack, stack.settings, _shared_out(recorded, count), prefix, rate, ROLES)
                cpu = {part: seconds for part, seconds in paced.cpu.items() if part not in ASIDE}
                found[count].append({"sum": sum(cpu.values()), **cpu})
                console.print(
                    f"round {number + 1} of {rounds}, {count} cameras: {1000 * found[count][-1]['sum']:.2f} ms"
                )
    ratios = [last["sum"] / first["sum"] for first, last in zip(found[min(counts)], found[max(counts)], strict=True)]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "frames": frames,
        "rate": rate,
        "rounds": rounds,
        "cpu_seconds_per_frame": {count: medians(each) for count, each in found.items()},
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


def _shared_out(frames: Frames, cameras: int) -> Frames:
    """The same frames as if so many cameras had taken turns."""
    taken: Counter[str] = Counter()
    shared = []
    for number, (header, jpeg) in enumerate(frames):
        camera = f"camera-{number % cameras}"
        frame = header.frame_id
        shared.append((replace(header, frame_id=FrameId(frame.site, camera, frame.session, taken[camera])), jpeg))
        taken[camera] += 1
    return shared
