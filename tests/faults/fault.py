"""What a fault is, and what is told of it."""

from __future__ import annotations

import json
import math
import os
import random
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.local.stack import LocalStack
from pipeline.settings import Settings, load

POLICY = {"purpose": "faults of emostream", "setting": "demonstration"}


class Skipped(Exception):
    """This machine lacks what the fault needs."""


@dataclass(frozen=True)
class Conditions:
    """Under which a fault is run. `scale` multiplies counts and durations; `delivery` is the setting.

    `rng`: of this fault and seed alone, so that a failing schedule can be run again.
    """

    seed: int
    rng: random.Random
    scale: float
    delivery: str
    folder: Path
    say: Callable[[str], None]

    def count(self, whole: int, least: int = 1) -> int:
        return max(least, round(whole * self.scale))

    def settings(self, **changes: Any) -> Settings:
        """With the model in the analyzers' own process unless told otherwise: most faults are not about it."""
        kafka = {"partitions": 4, **changes.pop("kafka", {})}
        classify = changes.pop("classify", {"kind": "in-process"})
        changes = {"policy": POLICY, "run_dir": self.folder / "runs", **changes}
        return load(delivery=self.delivery, kafka=kafka, classify=classify, **changes)

    def stack(self, settings: Settings) -> AbstractContextManager[LocalStack]:
        return LocalStack(settings, self.folder / "runs")


@dataclass
class Outcome:
    """What came of it. `wrong`: each condition that does not hold, in words; none: passed."""

    frames: int = 0
    lost: int = 0
    duplicates_raw: int = 0
    duplicates: int = 0
    balanced: bool = True
    recoveries: list[float] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def hold(self, condition: bool, otherwise: str) -> None:
        if not condition:
            self.wrong.append(otherwise)

    def recovered(self, within: float) -> None:
        """p95 of the recoveries is no more than that many seconds."""
        p95 = percentile(self.recoveries, 0.95)
        self.hold(p95 is not None and p95 <= within, f"recovery p95 {p95} s, more than {within} s")

    def row(self, name: str, conditions: Conditions, seconds: float) -> dict[str, Any]:
        p95 = percentile(self.recoveries, 0.95)
        more = {"recoveries": [round(each, 2) for each in self.recoveries]} if len(self.recoveries) > 1 else {}
        return {
            "fault": name,
            "seed": conditions.seed,
            "frames": self.frames,
            "lost": self.lost,
            "duplicates_raw": self.duplicates_raw,
            "duplicates": self.duplicates,
            "balanced": self.balanced,
            "recovery_seconds": None if p95 is None else round(p95, 2),
            "passed": not self.wrong,
            "wrong": self.wrong,
            "scale": conditions.scale,
            "delivery": conditions.delivery,
            "seconds": round(seconds, 1),
            "cores": os.cpu_count(),
            "load_average": round(os.getloadavg()[1], 1),  # of the last five minutes: times depend on it
            **self.figures,
            **more,
        }


Run = Callable[[Conditions], Outcome]
FAULTS: dict[str, Run] = {}


def fault(run: Run) -> Run:
    """Registers a fault under its function's name; the docstring's first line is what `--list` tells."""
    FAULTS[run.__name__.replace("_", "-")] = run
    return run


def percentile(values: Sequence[float], part: float) -> float | None:
    """The value that `part` of them do not exceed; None of none."""
    return sorted(values)[math.ceil(part * len(values)) - 1] if values else None


def write(rows: list[dict[str, Any]], file: Path | None) -> None:
    text = json.dumps(rows, indent=2) + "\n"
    if file is None:
        sys.stdout.write(text)
    else:
        file.write_text(text)
