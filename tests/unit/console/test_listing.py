"""Tables keep what matters, however narrow the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pipeline.console.listing import UNBOUNDED, listing, listing_console

LONG = "down: cannot connect (Connection to tcp://127.0.0.1:9 failed: Connection refused)"


@pytest.mark.parametrize("width", [60, 80, 200])
def test_names_are_never_cut(width: int) -> None:
    table = listing(("camera", "since"), ("state", "where"))
    table.add_row("room-12-by-the-window", "22 Nov 00:03:31", LONG, "rtsp://10.0.0.7/stream")
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[1].startswith("room-12-by-the-window  22 Nov 00:03:31")
    assert "…" not in "".join(lines)


def test_what_is_no_terminal_has_all_the_room(capsys: pytest.CaptureFixture[str]) -> None:
    console = listing_console()
    assert console.width == UNBOUNDED
    table = listing(("camera",), ("state",))
    table.add_row("room", LONG)
    console.print(table)
    assert LONG in capsys.readouterr().out
