"""Reads what the system's processes hold, paces the cameras by the analyzers' lag, and kills by plan."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from pipeline.errors import EmostreamError
from pipeline.kafka.lag import Lag
from pipeline.local.processes import OTHER
from pipeline.settings import load
from tests.soak.cameras import Rate
from tests.soak.disk import usage
from tests.soak.kills import Kill, plan
from tests.soak.measured import Measured
from tests.soak.processes import Family
from tests.soak.verdict import WARM_UP

READ_SECONDS = 5.0
DISK_SECONDS = 20.0
START_SECONDS = 180.0
LEAST_FPS, MOST_FPS = 2.0, 60.0
LAG_WANTED = 100  # frames that wait for the analyzers: more, and the cameras slow down
LAG_AT_FIRST = 1000  # the same in the warm-up, so that whatever fills under load has been full before it is measured
FIRST = WARM_UP / 2  # of the run: the rest of the warm-up works off what has gathered
COMMANDS_OF = ("kafka", "model server", OTHER)


def watch(system: subprocess.Popen[bytes], runs: Path, rate: Rate, seconds: float, seed: int) -> Measured:
    """From the first camera's process until `seconds` are over or the system has ended; `runs`: its run_dir."""
    measured = Measured(seconds)
    family = Family(system.pid)
    pause = threading.Event()
    give_up = time.monotonic() + START_SECONDS
    while not family.by_role("camera"):
        if system.poll() is not None or time.monotonic() > give_up:
            return measured
        pause.wait(0.5)
    began = time.monotonic()
    folder = next(each for each in runs.iterdir() if not each.is_symlink())
    measured.commands = {role: command for role in COMMANDS_OF for command in family.commands(role)}
    due = plan(seconds, seed)
    next_read = next_disk = 0.0
    with _lag(folder / "settings.yaml") as lag:
        while system.poll() is None and (now := time.monotonic() - began) < seconds:
            if now >= next_read:
                next_read = now + READ_SECONDS
                measured.readings += family.read(now)
                if (waiting := lag()) is not None:
                    wanted = LAG_AT_FIRST if now < FIRST * seconds else LAG_WANTED
                    rate.fps = _paced(rate.fps, waiting, wanted)
                    measured.load.append((now, rate.fps, waiting))
            if now >= next_disk:
                next_disk = now + DISK_SECONDS
                measured.disk.append((now, usage(folder)))
            while due and due[0].time <= now:
                measured.killed += _killed(family, due.pop(0).role, now)
            pause.wait(0.2)
    return measured


@contextmanager
def _lag(settings: Path) -> Iterator[Callable[[], int | None]]:
    """Asks for the frames that wait for the analyzers; None when Kafka does not tell just now."""

    def ask() -> int | None:
        with suppress(EmostreamError):
            return lag.records()
        return None

    with Lag(load(settings).kafka) as lag:
        yield ask


def _paced(fps: float, waiting: int, wanted: int) -> float:
    """As fast as the analyzers take it: a little faster while they keep up, slower when they do not."""
    return min(MOST_FPS, max(LEAST_FPS, fps * (0.85 if waiting > wanted else 1.05)))


def _killed(family: Family, role: str, now: float) -> list[Kill]:
    """The youngest of the role is killed; the only analyzer is not."""
    found = family.by_role(role)
    if len(found) < (2 if role == "analyzer" else 1):
        return []
    with suppress(psutil.Error):
        found[-1].kill()
        return [Kill(now, role)]
    return []
