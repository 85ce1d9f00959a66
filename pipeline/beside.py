"""Work beside that of a role, on a thread of its own."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Self


class Beside(ABC):
    """A context manager: `_run` goes on within it, and ends soon after `_stop` is set."""

    def __init__(self, name: str, stop_seconds: float) -> None:
        """`stop_seconds`: for the thread to end, after which it is left behind."""
        self._stop = threading.Event()
        self._stop_seconds = stop_seconds
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join(self._stop_seconds)

    @abstractmethod
    def _run(self) -> None:
        """Until `_stop` is set. Whatever it raises ends it."""
