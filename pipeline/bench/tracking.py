"""`emostream bench tracking`: how well trackers keep people apart, and what that costs.

On scripted scenes, where the person of every face is known, and on clips, where the tracks are counted that people who
watch it can compare with whom they see. docs/decisions/0009 has the figures.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline.analyze.detect import make as make_detector
from pipeline.analyze.detections import Detections
from pipeline.analyze.opencv import cv2
from pipeline.analyze.tracking.tracker import MakeTracker, maker
from pipeline.bench.identity import Identity
from pipeline.bench.scenes import START, Script, Shot, play
from pipeline.errors import DependencyError
from pipeline.settings import Settings

KINDS = ("motion", "bytetrack")
RATES = (2.0, 5.0, 10.0, 25.0)
ROOMS = (
    Script(people=2, walking=0.5),
    Script(people=4, walking=0.25, shake=4),
    Script(people=8, walking=0.4),
    Script(people=12, walking=0.0, shake=5),
    Script(people=12, walking=0.3),
)
"""Two to twelve people, seated or crossing the picture, behind one another, turning away; a camera that shakes."""


def scenes(makers: dict[str, MakeTracker], fps: float, seeds: Iterable[int], seconds: float) -> dict[str, Any]:
    """IDF1 over all faces of the rooms, times that a person's track changed, tracks a person."""
    scripts = [
        Script(**{**_fields(room), "fps": fps, "seconds": seconds, "seed": 1000 + 10 * seed + room.people})
        for room in ROOMS
        for seed in seeds
    ]
    counts: dict[str, list[Identity]] = {kind: [] for kind in makers}
    for script in scripts:
        shots = list(play(script))
        for kind, make in makers.items():
            counts[kind].append(_followed(make, shots))
    return {kind: _sum(identities) for kind, identities in counts.items()}


def clips(makers: dict[str, MakeTracker], video: Path, settings: Settings, rates: Sequence[float]) -> dict[str, Any]:
    """Faces under each track, most first, of every rate up to the clip's own."""
    detector = make_detector(settings.detect, settings.model_dir)
    capture = cv2.VideoCapture(str(video))
    own = capture.get(cv2.CAP_PROP_FPS) or 25.0
    found: list[Detections] = []
    while True:
        taken, image = capture.read()
        if not taken:
            break
        shrink = min(1.0, settings.detect.max_side / max(image.shape[:2]))
        small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        found.append(detector.detect([small])[0].scaled((1 / shrink, 1 / shrink)))
    outcome: dict[str, Any] = {}
    for step in sorted({max(1, round(own / rate)) for rate in (own, *rates)}):
        shots = [
            Shot(
                START + timedelta(seconds=at / own),
                found[at].boxes,
                found[at].confidence,
                np.zeros(len(found[at]), np.int64),
            )
            for at in range(0, len(found), step)
        ]
        outcome[f"{own / step:.1f}"] = {kind: _tracks(make, shots) for kind, make in makers.items()}
    return outcome


def cost(makers: dict[str, MakeTracker], people: int = 64, fps: float = 25.0, rounds: int = 3) -> dict[str, Any]:
    """Milliseconds a frame of so many faces, median of the best round."""
    shots = list(play(Script(people=people, fps=fps, seconds=6, walking=0, away=0, missed=0.02, false=1, seed=1)))
    outcome: dict[str, Any] = {"faces": round(float(np.mean([len(shot.who) for shot in shots])), 1)}
    for kind, make in makers.items():
        medians = []
        for _ in range(rounds):
            tracker, spent = make(), []
            for shot in shots:
                began = time.perf_counter()
                tracker.update(shot.boxes, shot.confidence, shot.at)
                spent.append(time.perf_counter() - began)
            medians.append(1e3 * float(np.median(spent)))
        outcome[kind] = round(min(medians), 3)
    return outcome


def run(settings: Settings, videos: Sequence[Path], seeds: int, seconds: float, console: Console) -> dict[str, Any]:
    """All of it, as tables and as a report."""
    makers: dict[str, MakeTracker] = {}
    for kind in KINDS:
        try:
            makers[kind] = maker(kind)
        except DependencyError as error:
            console.print(f"without {kind}: {error}")
    report: dict[str, Any] = {"scenes": {}, "clips": {}, "cost": cost(makers)}
    table = Table("frames/s", "tracker", "IDF1", "switches", "tracks a person", title="scripted scenes")
    for fps in RATES:
        report["scenes"][f"{fps:g}"] = outcome = scenes(makers, fps, range(seeds), seconds)
        for kind, figures in outcome.items():
            table.add_row(f"{fps:g}", kind, *map(str, figures.values()))
    console.print(table)
    if videos:
        table = Table("clip", "frames/s", "tracker", "tracks", "faces under each", title="clips")
        for video in videos:
            report["clips"][video.name] = outcome = clips(makers, video, settings, RATES)
            for fps_name, kinds in outcome.items():
                for kind, faces in kinds.items():
                    table.add_row(video.name, fps_name, kind, str(len(faces)), " ".join(map(str, faces[:8])))
        console.print(table)
    console.print("milliseconds a frame:", report["cost"])
    return report


def _fields(script: Script) -> dict[str, Any]:
    return {name: getattr(script, name) for name in Script.__dataclass_fields__}


def _followed(make: MakeTracker, shots: Iterable[Shot]) -> Identity:
    tracker, identity = make(), Identity()
    for shot in shots:
        identity.add(shot.who.tolist(), tracker.update(shot.boxes, shot.confidence, shot.at))
    return identity


def _sum(identities: Sequence[Identity]) -> dict[str, Any]:
    total = sum(each.faces + each.tracked for each in identities)
    people = sum(each.people for each in identities)
    return {
        "idf1": round(2 * sum(each.right() for each in identities) / total, 3),
        "switches": sum(each.switches for each in identities),
        "tracks_per_person": round(sum(each.tracks for each in identities) / people, 2),
    }


def _tracks(make: MakeTracker, shots: Iterable[Shot]) -> list[int]:
    tracker, faces = make(), Counter[int]()
    for shot in shots:
        faces.update(number for number in tracker.update(shot.boxes, shot.confidence, shot.at) if number is not None)
    return sorted(faces.values(), reverse=True)
