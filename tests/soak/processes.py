"""The system's processes by what they do, and what each holds: memory, file descriptors, threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import psutil

from pipeline.local.processes import OTHER, kind_of

SUMMED = ("camera", "guardian", "ray idle worker", OTHER)
"""Roles whose processes come and go, or are many: what all of them hold together is what counts."""


@dataclass(frozen=True)
class Reading:
    """One process at one time, in seconds since the start. `own`: bytes that it took for itself and maps from no file.

    Files that are mapped, libraries above all, count for whoever of all processes is alone with them: that goes up and
    down with what else the machine does, and is no leak.
    """

    time: float
    role: str
    pid: int
    resident: int
    own: int
    descriptors: int
    threads: int


class Family:
    """A process and all below it."""

    def __init__(self, pid: int) -> None:
        self._top = psutil.Process(pid)
        self._roles: dict[psutil.Process, str] = {}  # what a process is called it stays

    def by_role(self, role: str) -> list[psutil.Process]:
        """Oldest first."""
        return sorted((each for each, its in self._members() if its == role), key=lambda each: each.create_time())

    def commands(self, role: str) -> list[str]:
        """The command lines of those that live now."""
        found = []
        for process in self.by_role(role):
            with suppress(psutil.Error):
                found.append(" ".join(process.cmdline()))
        return found

    def read(self, time: float) -> list[Reading]:
        readings = []
        for process, role in self._members():
            try:
                own = _anonymous(process)
                with process.oneshot():
                    resident, descriptors, threads = process.memory_info().rss, process.num_fds(), process.num_threads()
                readings.append(Reading(time, role, process.pid, resident, own, descriptors, threads))
            except (psutil.Error, OSError):  # gone in between
                continue
        return readings

    def _members(self) -> Iterator[tuple[psutil.Process, str]]:
        try:
            found = [self._top, *self._top.children(recursive=True)]
        except psutil.Error:
            return
        known, self._roles = self._roles, {}
        for process in found:
            try:
                command = " ".join(process.cmdline())
            except psutil.Error:
                continue
            if not command:  # it has ended and nobody asked how
                continue
            role = kind_of(command)
            if process in known and role == OTHER:
                role = known[process]
            self._roles[process] = role
            yield process, role


def _anonymous(process: psutil.Process) -> int:
    """Bytes; where Linux does not tell, those that its end would free."""
    file = Path(f"/proc/{process.pid}/status")
    if not file.exists():
        return int(process.memory_full_info().uss)
    lines = (line.split() for line in file.read_text().splitlines())
    return sum(int(line[1]) * 1024 for line in lines if line[0] in ("RssAnon:", "VmSwap:"))


def header() -> list[str]:
    return [each.name for each in fields(Reading)]


def row(reading: Reading) -> tuple[object, ...]:
    return astuple(reading)
