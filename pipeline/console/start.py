"""What is being waited for while the parts start: lines that change on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

READY = "ready"


class StartView:
    """`tell` may be called from any thread."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._texts: dict[str, str] = {}
        self._lock = threading.Lock()
        self._spinner = Spinner("dots")
        self._live = Live(console=console, refresh_per_second=8, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._live.__exit__(None, None, None)

    def tell(self, part: str, text: str) -> None:
        with self._lock:
            self._texts[part] = text
            seconds = time.monotonic() - self._began
            if self._live is None:
                self._console.print(f"{seconds:5.1f} s  {part}: {text}", highlight=False, markup=False)
                return
            if text == READY:
                self._live.console.print(f"[green]✔[/green] {part} [dim]ready after {seconds:.1f} s[/dim]")
                del self._texts[part]
            self._live.update(self._table())

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for part, text in self._texts.items():
            table.add_row(self._spinner, f"[bold]{part}[/bold]", text)
        return table
