"""The roles: analyze beside Ray's head, an aggregator on each of the other hosts, capture on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults import victims
from tests.faults.site import Role, Site
from tests.nodes.cluster import READY_SECONDS, Cluster, Kept
from tests.nodes.hosts import Host

PATIENCE_SECONDS = 300.0


class NodesSite(Site):
    """See Site, and the module."""

    ready_seconds = READY_SECONDS

    def __init__(self, cluster: Cluster, folder: Path, uris: Sequence[str], **changes: Any) -> None:
        super().__init__(cluster, folder, uris, **changes)
        self.cluster = cluster
        self._places = {"analyze": cluster.first, **{f"aggregate-{host.name}": host for host in cluster.workers}}

    def begin(self, frames: int = 50) -> None:
        """Starts all roles, and waits until so many frames went through."""
        for label in self._places:
            self.start(label.partition("-")[0], label)
        self.start("capture")
        self.frames(self.log.new() + frames, self.ready_seconds)

    def patiently(self, condition: Any, otherwise: str) -> None:
        self.wait(condition, PATIENCE_SECONDS, otherwise)

    def pids(self) -> set[int]:
        """Of the analyzers."""
        return {process.pid for process in victims.find("analyzer")}

    def read(self, since: float) -> int:
        """Faces that the model read, in observations made after `since`, by time.time()."""
        made = (each for each in self.messages() if getattr(each, "faces", None))
        return sum(face.inferred for each in made if each.processed_at.timestamp() > since for face in each.faces)

    def told(self, since: float) -> set[str]:
        """Cameras of which there is a window that began after `since`."""
        return {window.id for window in self.windows() if window.start.timestamp() > since} & set(self.cameras)

    def _kept(self, name: str, label: str, logs: Path) -> Role:
        host: Host | None = self._places.get(label)
        if host is None:
            return super()._kept(name, label, logs)
        command: list[str | Path] = [sys.executable, "-m", "pipeline.cli", name, "-c", self.file]
        return Kept(host, label, command, logs / f"{name}.log", self.cluster.environment())
