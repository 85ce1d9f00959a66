"""What was found, as a page of docs/: `python -m tests.alerts_real.page alerts.json > docs/alerts-tried.md`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.alerts_real import deployed

HEAD = """# Alerts and expressions, tried

Written by `python -m tests.alerts_real.page`, from what `make alerts-test` found on {day} UTC.

A real Prometheus and Alertmanager watched a running system on what stands in `deploy/`, scraping each second. Ranges
and waits of the rules were ten times as short, those of what burns over days {objectives} times; what they compare with
is as deployed. Each fault was made for real: processes and cameras killed or stopped, clocks set, a disk filled,
records spoiled.

## Alerts

Seconds from the fault to the alert, and from its end to the alert's. `Watchdog` always fires.

| alert | with | fired after | cleared after |
|---|---|---|---|
"""
VALUES = """
## Expressions

Every panel's and recording's expression, and the series that each alert asks for, with the first of the values that it
had while the system ran: one of its two cameras was dark, and some frames were broken.
"""


def page(rows: Iterable[dict[str, Any]], day: str, objectives: int) -> str:
    found = list(rows)
    alerts = {row["alert"]: row for row in found if "alert" in row}
    text = HEAD.format(day=day, objectives=objectives)
    text += "".join(_alert(alerts[name]) for name in deployed.alerts() if name in alerts)
    return text + VALUES + "".join(_values(row for row in found if "expr" in row))


def _alert(row: dict[str, Any]) -> str:
    labels = ", ".join(f"{key} {value}" for key, value in row.get("labels", {}).items() if key != "site")
    return f"| `{row['alert']}` | {labels} | {row['fired_after']:.0f} s | {row['cleared_after']:.0f} s |\n"


def _values(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """By dashboard, then recordings, then alerts."""
    for part, of_part in groupby(rows, key=_part):
        yield f"\n### {part.capitalize()}\n\n```text\n"
        for row in of_part:
            place = row["place"].partition(": ")[2]
            more = f", the first of {row['series']} series" if row["series"] > 1 else ""
            yield f"{place}\n  {row['expr']}\n  = {row['value']:.4g}{more}\n"
        yield "```\n"


def _part(row: dict[str, Any]) -> str:
    part: str = row["place"].partition(": ")[0]
    return "what alerts ask for" if part in deployed.alerts() else part


def main(file: str) -> None:
    from tests.alerts_real.scenarios import OBJECTIVES

    report = Path(file)
    day = datetime.fromtimestamp(report.stat().st_mtime, UTC).date().isoformat()
    print(page(json.loads(report.read_text()), day, OBJECTIVES), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
