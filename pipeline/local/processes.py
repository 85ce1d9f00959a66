"""What the processes of a run are, by their command lines, and what they take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress

import psutil

KINDS = (  # by the command line; the first that fits
    ("guardian.py", "guardian"),
    ("kafka.Kafka", "kafka"),
    ("org.pytorch.serve", "model server"),
    ("model_service_worker", "model"),
    ("ray::Analyzer", "analyzer"),
    ("pipeline.cli analyze", "supervisor"),
    ("pipeline.capture.child", "camera"),
    ("pipeline.cli capture", "capture"),
    ("pipeline.cli aggregate", "aggregate"),
    ("pipeline.cli webhooks", "webhooks"),
    ("pipeline.cli dashboard", "dashboard"),
    ("pipeline.cli api", "api"),
    ("pipeline.cli up", "up"),
    ("ray::ServeReplica", "api"),
    ("ray::Serve", "ray serve"),
    ("ray::ProxyActor", "ray serve"),
    ("ray::DashboardAgent", "ray agent"),
    ("ray::RuntimeEnvAgent", "ray agent"),
    ("ray::", "ray idle worker"),
    ("dashboard/dashboard.py", "ray dashboard"),
    ("gcs_server", "ray gcs"),
    ("ray.scripts.scripts", "ray start"),
    ("raylet/raylet", "raylet"),
    ("ray", "ray"),
)
RAY = frozenset(kind for _, kind in KINDS if kind.startswith("ray"))
"""Kinds that are one part of a run's costs."""
OTHER = "other"


def kind_of(command: str) -> str:
    """What a process is, by its command line."""
    return next((kind for sign, kind in KINDS if sign in command), OTHER)


def cpu_seconds() -> defaultdict[str, float]:
    """CPU seconds so far of each part, over all processes below this one; this one is "self"."""
    spent = defaultdict(float, self=sum(psutil.Process().cpu_times()[:2]))
    for part, process in _below():
        with suppress(psutil.Error):
            times = process.cpu_times()
            spent[part] += times.user + times.system
    return spent


def memory() -> dict[str, list[float]]:
    """MiB of each process of a part; what several share is shared out among them."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for part, process in _below():
        with suppress(psutil.Error):
            found[part].append(process.memory_full_info().pss / 2**20)
    return dict(found)


def _below() -> Iterator[tuple[str, psutil.Process]]:
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            command = " ".join(process.cmdline()) or process.name()
            kind = kind_of(command)
            yield "ray" if kind in RAY else kind, process
