"""One thing looked at, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.errors import EmostreamError

Status = Literal["ok", "warn", "fail"]
_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@dataclass(frozen=True)
class Check:
    """One thing looked at. `hint`: what to do where it is not ok."""

    name: str
    status: Status
    detail: str
    hint: str = ""

    @property
    def failed(self) -> bool:
        return self.status == "fail"


def guarded(name: str, look: Callable[[], Check]) -> Check:
    """Whatever it raises is a finding, too."""
    try:
        return look()
    except EmostreamError as error:
        return Check(name, "fail", error.message, error.hint)
    except Exception as error:  # whatever a broken install raises
        return Check(name, "fail", f"{type(error).__name__}: {error}".splitlines()[0], "install emostream again")


def render(checks: list[Check], console: Console, runs: str = "emostream demo") -> None:
    """A line a check, with its hint below where something is to be done, and the sum. `runs`: what can or cannot."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for check in checks:
        mark, colour = _MARKS[check.status]
        detail = Text(check.detail)
        if check.hint and check.status != "ok":
            detail.append(f"\n{check.hint}", style="dim")
        table.add_row(Text(mark, style=colour), Text(check.name, style="bold"), detail)
    console.print(table)
    failed = sum(check.failed for check in checks)
    warned = sum(check.status == "warn" for check in checks)
    if failed:
        console.print(f"\n{failed} to be fixed before `{runs}` can run.", style="red", highlight=False)
    else:
        more = f" {warned} worth a look." if warned else ""
        console.print(f"\n`{runs}` can run.{more}", style="green", highlight=False)
