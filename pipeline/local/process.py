"""A child process under its guardian: its output goes to a log, and it never outlives emostream."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
import psutil

from pipeline.errors import ClassifierUnavailable, DependencyError, EmostreamError
from pipeline.local import guardian

POLL_SECONDS = 0.1
ENDS, ENDS_SECONDS = 4, 60.0  # so many ends within this time are too many
PAUSES = (0.0, 5.0, 20.0)  # before the next start: whoever waits 10 s for Kafka in vain never ends too often
_TELLING = re.compile(
    r"^emostream: |\b(ERROR|FATAL|error|Error|Exception|Caused by|Killed|No space left)\b|(Exception|Error):"
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NOISE = re.compile(r"^\s+at |^\s*\.\.\. \d+ more|^nvidia-smi|^\s*$")


class Cancelled(EmostreamError):  # nothing went wrong
    """The start was given up, because somebody asked or because another part failed."""

    def __init__(self) -> None:
        super().__init__("stopped before everything was started")


class Restarts:
    """Counts how often something had to be started again."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque(maxlen=ENDS)

    def ended(self, error: DependencyError, now: float) -> float:
        """How long to wait before the next start. Raises `error` when it ends again and again.

        `now`: seconds of any clock.
        """
        self._ends.append(now)
        recent = [at for at in self._ends if now - at < ENDS_SECONDS]
        if len(recent) == ENDS:
            raise error
        return PAUSES[len(recent) - 1]


class Process:
    """A running command. `name` is what people call it, `log` the file with all it prints."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        grace_seconds: float = 8.0,
    ) -> None:
        self.name = name
        self.log = log
        self._grace = grace_seconds
        argv = [sys.executable, "-P", guardian.__file__, str(os.getpid()), str(grace_seconds), *map(str, command)]
        with log.open("ab") as output:
            self._guardian = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,  # a Ctrl-C in the terminal reaches only emostream, which stops it in order
            )

    @property
    def pid(self) -> int:
        """The guardian's pid; the command and all it started are its descendants."""
        return self._guardian.pid

    def running(self) -> bool:
        return self._guardian.poll() is None

    @property
    def code(self) -> int | None:
        """Exit code of the command, None while it runs."""
        return self._guardian.poll()

    def check(self) -> None:
        """Raises DependencyError, with the telling line of the log, when the process has ended."""
        code = self._guardian.poll()
        if code is not None:
            raise DependencyError(f"{self.name} has ended: {self._cause(code)}", f"its log is {self.log}")

    def _cause(self, code: int) -> str:
        """A signal by its name; else what the log says."""
        if code > 128:
            with contextlib.suppress(ValueError):
                return f"killed by {signal.Signals(code - 128).name}"
        return telling_line(self.log) or f"exit code {code}"

    def wait_ready(
        self, probe: Callable[[], bool], timeout: float, cancelled: threading.Event, *, poll: float = POLL_SECONDS
    ) -> None:
        """Asks `probe` until it says yes. Raises DependencyError at the end of the process or of the time.

        A probe may also raise httpx.HTTPError or ClassifierUnavailable for a no.
        """
        end = time.monotonic() + timeout
        while True:
            said = ""
            try:
                if probe():
                    return
            except (httpx.HTTPError, ClassifierUnavailable) as error:
                said = str(error).splitlines()[0]
            self.check()
            if time.monotonic() > end:
                why = said or telling_line(self.log, errors_only=True)
                what = f"{self.name} is not ready after {timeout:.0f} s" + (f": {why}" if why else "")
                raise DependencyError(what, f"is this machine too busy? Its log is {self.log}")
            if cancelled.wait(poll):
                raise Cancelled

    def kill(self) -> None:
        """KILL to the command and all it started, without a wait for its good order."""
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    process.kill()
        self._guardian.wait()

    def stop(self) -> None:
        """TERM, a bounded wait, then KILL to all that is left of it. Can be called twice."""
        assert self._guardian.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._guardian.stdin.write(b"s")
            self._guardian.stdin.close()
        try:
            self._guardian.wait(self._grace + guardian.KILL_SECONDS + 2)
        except subprocess.TimeoutExpired:
            self._guardian.kill()
            self._guardian.wait()


def telling_line(log: Path, *, errors_only: bool = False) -> str:
    """The last line of a log that speaks of an error, else (unless `errors_only`) its last; "" when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64_000))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    lines = [_COLOURS.sub("", line).strip() for line in lines if not _NOISE.match(line)]
    telling = [line for line in lines if _TELLING.search(line)]
    return (telling or ([] if errors_only else lines) or [""])[-1][:300]
