"""`emostream bench plan`: what the capacity planner says, beside what a run then takes. Both on one start."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from pipeline.capacity.measure import costs_at, running
from pipeline.capacity.needs import needs
from pipeline.capacity.workload import Workload
from pipeline.capture.spec import Size
from pipeline.settings import Settings

SIZE = Size(640, 480)


def run(settings: Settings, asked: Workload, seconds: float, console: Console) -> dict[str, Any]:
    """Cores by part, planned (with no margin) and taken; `ratio`: of the sums, planned over taken."""
    with running(settings, SIZE, console) as site:
        costs = costs_at(site, asked, seconds, console)
        console.print(f"the run: {asked}")
        taken = site.take(asked, seconds)
    planned = needs(asked, costs, settings.kafka, margin=0.0).cores
    outcome = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "workload": str(asked),
        "planned": {part: round(cores, 3) for part, cores in planned.items()},
        "taken": {part: round(cores, 3) for part, cores in taken.cpu.items()},
        "frames_per_second": round(taken.rates.frame, 1),
        "ratio": round(sum(planned.values()) / sum(taken.cpu.values()), 3),
        "measured": [each.model_dump() for each in costs.measured],
    }
    console.print({key: value for key, value in outcome.items() if key != "measured"})
    return outcome
