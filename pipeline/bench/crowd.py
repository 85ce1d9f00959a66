"""`emostream bench crowd`: what it gains, and costs, to read only the faces that are due.

The same frames of a crowd go through the pipeline twice in each round: with every face read by the model, and with the
settings as they are. Of the faces that were not read the second time, the label is held against what was read of them
the first time.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from pipeline.bench.frames import crowd
from pipeline.bench.through import every_face, through_the_pipeline
from pipeline.capture.spec import ReadOptions
from pipeline.capture.uri import camera_specs
from pipeline.console.start import StartView
from pipeline.errors import UsageError
from pipeline.local.stack import LocalStack
from pipeline.messages import Face, Observation
from pipeline.settings import CameraSettings, Settings

LEAST_FACES = 8
FPS = 10.0


@dataclass(slots=True)
class Agreement:
    """Of the faces that were not read by the model, `carried`: with the label that reading them gives, `same`.

    `told`: those of which both runs tell an expression; `told_same`: of these, with the same label; `smoothed_same`:
    of `carried`, with the strongest of the smoothed scores where every face is read. `read`, `faces`: over all frames.
    """

    faces: int = 0
    read: int = 0
    carried: int = 0
    same: int = 0
    told: int = 0
    told_same: int = 0
    smoothed_same: int = 0

    def add(self, carried: Face, read: Face) -> None:
        self.faces += 1
        self.read += carried.inferred
        if carried.inferred or carried.label is None or read.label is None:
            return
        self.carried += 1
        self.same += carried.label == read.label
        smoothed = read.smoothed or read.scores or {}
        self.smoothed_same += carried.label == max(smoothed, key=smoothed.__getitem__)
        if not carried.abstained and not read.abstained:
            self.told += 1
            self.told_same += carried.label == read.label

    def figures(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "read_share": round(self.read / max(1, self.faces), 4),
            "agreement": round(self.same / max(1, self.carried), 4),
            "agreement_told": round(self.told_same / max(1, self.told), 4),
            "agreement_smoothed": round(self.smoothed_same / max(1, self.carried), 4),
        }


def run(settings: Settings, uris: Sequence[str], frames: int, rounds: int, console: Console) -> dict[str, Any]:
    """Medians over the rounds; raises UsageError when the pictures show no crowd."""
    cameras = camera_specs([CameraSettings(uri=uri) for uri in uris])
    options = ReadOptions(settings.capture.max_side, settings.capture.jpeg_quality)
    console.print(f"recording {frames} frames of {len(cameras)} cameras")
    recorded = crowd(cameras, frames, FPS, options)
    agreement, ratios, speeds = Agreement(), [], []
    with StartView(console) as progress, LocalStack(settings, settings.run_dir, progress.tell) as stack:
        for number in range(rounds):
            every = through_the_pipeline(stack, every_face(stack.settings), recorded, f"every{number}")
            due = through_the_pipeline(stack, stack.settings, recorded, f"due{number}")
            if every[0]["faces"] < LEAST_FACES * len(recorded):
                mean = every[0]["faces"] / len(recorded)
                raise UsageError(f"--camera: {mean:.1f} faces a frame are no crowd", f"at least {LEAST_FACES}, please")
            for carried, read in _pairs(due[1], every[1]):
                agreement.add(carried, read)
            speeds.append((every[0]["frames_per_second"], due[0]["frames_per_second"]))
            ratios.append(speeds[-1][1] / speeds[-1][0])
            console.print(f"round {number + 1}: {speeds[-1][0]:.1f} frames/s with every face read, {ratios[-1]:.2f} x")
    outcome = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "frames": len(recorded),
        "faces_per_frame": round(every[0]["faces"] / len(recorded), 2),
        "reread_seconds": settings.analyze.reread_seconds,
        "smoothing_seconds": settings.analyze.smoothing_seconds,
        "every_face_frames_per_second": round(statistics.median(each for each, _ in speeds), 2),
        "frames_per_second": round(statistics.median(due for _, due in speeds), 2),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        **agreement.figures(),
    }
    console.print(outcome)
    return outcome


def _pairs(due: Iterable[Observation], every: Iterable[Observation]) -> Iterable[tuple[Face, Face]]:
    """The same face of the same frame in both runs: the detector finds the same in the same picture."""
    read = {observation.event_id: observation.faces for observation in every}
    for observation in due:
        yield from zip(observation.faces, read[observation.event_id], strict=True)
