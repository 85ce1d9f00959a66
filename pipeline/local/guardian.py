"""Runs one command and sees to it that nothing of it outlives emostream.

    python guardian.py PARENT_PID GRACE_SECONDS COMMAND...

The command and all it starts, daemons included, stay descendants of the guardian (child subreaper). They are stopped
in good order (TERM, GRACE_SECONDS, KILL) at an `s` on standard input or a TERM; they are killed at once when the
parent is gone, even by kill -9, and what is left of them when the command itself ends. A guardian that is killed
takes the command along (PDEATHSIG). None of it writes a core file. It is run as a script, imports little and has one
thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
import time

import psutil

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
TICK_SECONDS = 0.1
KILL_SECONDS = 10.0


class Guardian:
    """`parent`: the pid whose end is the end of the command. `grace`: seconds from TERM to KILL."""

    def __init__(self, parent: int, grace: float) -> None:
        self._parent = parent
        self._grace = grace
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._asked = False
        self._status: int | None = None

    def run(self, command: list[str]) -> int:
        """Exit code of the command, 128 + n when signal n ended it."""
        if self._libc is not None:
            self._libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        limit = 0 if most == 0 else 1  # see pipeline/cores.py
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
        for number in ENDINGS:
            signal.signal(number, self._ask)
        self._pid = self._spawn(command)
        if self._watch():
            self._terminate()
        self._kill_all()
        code = os.waitstatus_to_exitcode(self._status) if self._status is not None else 1
        return code if code >= 0 else 128 - code

    def _ask(self, *_: object) -> None:
        self._asked = True

    def _spawn(self, command: list[str]) -> int:
        guardian = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)  # a TERM that comes before the exec must not get lost
        if pid := os.fork():
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
            return pid
        try:
            os.setsid()
            for number in ENDINGS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            if self._libc is not None:
                self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == guardian:
                os.execvp(command[0], command)
        except OSError as error:
            print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)

    def _watch(self) -> bool:
        """Returns when the command has ended, or has to; True: the parent wants it in good order."""
        while not self._asked:
            self._reap()
            if self._status is not None or os.getppid() != self._parent:
                return False
            readable, _, _ = select.select([0], [], [], TICK_SECONDS)
            if readable:
                return os.read(0, 1) == b"s"
        return True

    def _terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM)
        end = time.monotonic() + self._grace
        while self._status is None and time.monotonic() < end and os.getppid() == self._parent:
            self._reap()
            time.sleep(TICK_SECONDS / 5)

    def _kill_all(self) -> None:
        end = time.monotonic() + KILL_SECONDS
        while (left := psutil.Process().children(recursive=True)) and time.monotonic() < end:
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            self._reap()
            time.sleep(TICK_SECONDS / 5)

    def _reap(self) -> None:
        """Collects the command and every orphan that became ours."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._pid:
                    self._status = ended[1]


if __name__ == "__main__":
    sys.exit(Guardian(int(sys.argv[1]), float(sys.argv[2])).run(sys.argv[3:]))
