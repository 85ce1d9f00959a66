"""The processes of the system, found below this one by what they are, and ended by their id."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import psutil

SIGNS = {
    "analyzer": "ray::Analyzer",
    "capture child": "pipeline.capture.child",
    "analyze": "pipeline.cli analyze",
    "aggregate": "pipeline.cli aggregate",
    "capture": "pipeline.cli capture",
    "model worker": "model_service_worker.py",
    "model frontend": "org.pytorch.serve.ModelServer",
    "raylet": "/raylet/raylet ",
    "head": "/gcs/gcs_server ",
    "broker": "kafka.Kafka",
}
PATIENCE = 60.0


def find(what: str) -> list[psutil.Process]:
    """Running processes of that kind, oldest first. Guardians are none."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            line = " ".join(process.cmdline()) + " "
            if SIGNS[what] in line and "guardian.py" not in line:
                found.append(process)
        except psutil.Error:
            continue
    return sorted(found, key=lambda process: process.create_time())


def one_of(
    what: str, choose: Callable[[list[psutil.Process]], psutil.Process], patience: float = PATIENCE
) -> psutil.Process:
    """One of that kind, as soon as there is any."""
    give_up = time.monotonic() + patience
    while not (found := find(what)):
        assert time.monotonic() < give_up, f"there is no {what} for {patience:g} s"
        time.sleep(0.05)
    return choose(found)


def kill(process: psutil.Process) -> float:
    """kill -9; returns when it was, by time.time()."""
    os.kill(process.pid, signal.SIGKILL)
    return time.time()


def memory(what: str) -> float:
    """Resident MiB of all of that kind."""
    total = 0
    for process in find(what):
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total / 2**20
