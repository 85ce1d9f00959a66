"""What the processes of a run take, by what they do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress

import psutil

PARTS = (  # by the command line; the first that fits
    ("guardian.py", "guardian"),
    ("kafka.Kafka", "kafka"),
    ("org.pytorch.serve", "model server"),
    ("model_service_worker", "model"),
    ("ray::Analyzer", "analyzer"),
    ("pipeline.cli analyze", "supervisor"),
    ("pipeline.capture.child", "camera"),
    ("pipeline.cli capture", "capture"),
    ("pipeline.cli aggregate", "aggregate"),
    ("pipeline.cli dashboard", "dashboard"),
    ("pipeline.cli api", "api"),
    ("ray::ServeReplica", "api"),
    ("ray", "ray"),
    ("gcs_server", "ray"),
)
OTHER = "other"


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
            yield next((part for sign, part in PARTS if sign in command), OTHER), process
