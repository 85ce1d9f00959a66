"""Tables that list what there is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

UNBOUNDED = 400  # characters a line where no terminal shows them: a file, another program


def listing_console() -> Console:
    """A terminal as wide as it is; beyond a terminal nothing is cut or wrapped for want of room."""
    console = Console()
    return console if console.is_terminal else Console(width=UNBOUNDED)


def listing(whole: Sequence[str], wrapped: Sequence[str]) -> Table:
    """`whole`: headings of columns that are never cut; `wrapped`: of those that go on in the next line, after them."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in whole:
        table.add_column(heading, no_wrap=True, overflow="ignore")
    for heading in wrapped:
        table.add_column(heading, overflow="fold", min_width=12)
    return table
