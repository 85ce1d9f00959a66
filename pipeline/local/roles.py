"""The roles of the system as processes of their own, the way containers run them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pipeline.errors import DependencyError
from pipeline.local.process import Process, Restarts
from pipeline.settings import NO_SETTINGS, Settings

GRACE_SECONDS = 15.0


def write_settings(settings: Settings, folder: Path) -> Path:
    """The settings as a file for the roles, for the owner's eyes only: camera URIs may hold passwords."""
    file = folder / "settings.yaml"
    file.touch(mode=0o600)
    file.write_text(settings.model_dump_json(indent=2))
    return file


@contextmanager
def role(name: str, settings_file: Path, logs: Path) -> Iterator[Process]:
    """`emostream NAME` on these settings, stopped in good order at the end of the block."""
    process = _start(name, settings_file, logs)
    try:
        yield process
    finally:
        process.stop()


class KeptRole:
    """A role that is started again when it ends before its time: what it does is the same however often it dies."""

    def __init__(self, name: str, settings_file: Path, logs: Path) -> None:
        self._start = partial(_start, name, settings_file, logs)
        self.process = self._start()
        self._restarts = Restarts()
        self._due: float | None = None  # when it is to be started again

    def check(self, now: float) -> str:
        """Why it had to be started again, "" when it runs. Raises DependencyError when it ends again and again.

        `now`: seconds of any clock.
        """
        said = ""
        if self._due is None:
            try:
                self.process.check()
            except DependencyError as error:
                self._due = now + self._restarts.ended(error, now)
                self.process.stop()
                said = error.message
        if self._due is not None and now >= self._due:
            self._due = None
            self.process = self._start()
        return said

    def kill(self) -> None:
        """At once: what it stood on is gone. The next `check` starts it again, with the settings as they are then."""
        self.process.kill()

    def stop(self) -> None:
        self.process.stop()


def _start(name: str, settings_file: Path, logs: Path) -> Process:
    # the other variables are in its settings file already
    env = {key: value for key, value in os.environ.items() if not key.startswith("EMOSTREAM_") or key in NO_SETTINGS}
    command = [sys.executable, "-m", "pipeline.cli", name, "-c", str(settings_file)]
    return Process(f"emostream {name}", command, logs / f"{name}.log", env=env, grace_seconds=GRACE_SECONDS)
