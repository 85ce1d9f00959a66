"""`emostream bench fer`: file in to events out, capture included, beside the package fer on the same clip, in turns."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.bench.medians import medians
from pipeline.bench.through import every_face, with_capture
from pipeline.console.start import StartView
from pipeline.errors import DependencyError
from pipeline.local.stack import LocalStack
from pipeline.settings import CameraSettings, Settings

LOOP = Path(__file__).with_name("fer_loop.py")
DETECTORS = ("haar", "mtcnn")
DUE, EVERY = "emostream", "emostream, every face read"


def run(
    settings: Settings, clip: Path, people: int, python: Path, frames: int, rounds: int, console: Console
) -> dict[str, Any]:
    """`people`: in view throughout. `python`: one that has fer. `frames`: of each run of ours, the clip over and over.

    Figures are medians over the rounds. `recall`: of the people in all frames; `extra`: faces a frame beyond them.
    Raises DependencyError when fer does not run.
    """
    looped = [CameraSettings(uri=str(clip), loop=True, realtime=False)]
    found: dict[str, list[dict[str, float]]] = {}
    with StartView(console) as progress, LocalStack(settings, settings.run_dir, progress.tell) as stack:
        placed = stack.settings.model_copy(update={"cameras": looped})
        for number in range(rounds):
            for detector in DETECTORS:
                found.setdefault(f"fer, {detector}", []).append(_of_fer(python, clip, detector, people))
            for name, chosen in ((DUE, placed), (EVERY, every_face(placed))):
                figures, seen = with_capture(stack, chosen, frames, f"{len(name)}-{number}")
                faces = [len(observation.faces) for observation in seen]
                found.setdefault(name, []).append(_figures(figures["frames_per_second"], faces, people))
            console.print(f"round {number + 1} of {rounds}: { ({name: each[-1] for name, each in found.items()}) }")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "clip": clip.name,
        "people": people,
        "rounds": rounds,
        "ways": {name: medians(each) for name, each in found.items()},
        "ratios": {
            f"{ours} over {theirs}": _ratio(found[ours], found[theirs])
            for ours in (DUE, EVERY)
            for theirs in found
            if theirs not in (DUE, EVERY)
        },
    }


def _of_fer(python: Path, clip: Path, detector: str, people: int) -> dict[str, float]:
    command = [str(python), "-I", str(LOOP), str(clip), detector]  # without this folder on its path
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise DependencyError(f"fer does not run: {last}", "give a Python with --python that has fer and its parts")
    told = json.loads(done.stdout.splitlines()[-1])
    return _figures(len(told["faces"]) / told["seconds"], told["faces"], people)


def _figures(frames_per_second: float, faces: Iterable[int], people: int) -> dict[str, float]:
    faces = list(faces)
    return {
        "frames_per_second": frames_per_second,
        "recall": sum(min(each, people) for each in faces) / (people * len(faces)),
        "extra": sum(max(0, each - people) for each in faces) / len(faces),
    }


def _ratio(ours: Sequence[dict[str, float]], theirs: Sequence[dict[str, float]]) -> float:
    pairs = zip(ours, theirs, strict=True)
    return round(statistics.median(our["frames_per_second"] / their["frames_per_second"] for our, their in pairs), 2)
