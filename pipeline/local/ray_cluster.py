"""A one-machine Ray under our guardian, on the loopback only, with a token.

`ray.init()` would start the daemons as children of the driver, and some outlive a kill -9 of it. Here they are
started by `ray start --head --block` below a guardian, and the driver connects to them.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.cluster.environment import LOOPBACK_ONLY
from pipeline.local.folders import RunFolder, disk_errors
from pipeline.local.ports import LOOPBACK
from pipeline.local.process import Process
from pipeline.settings import RaySettings

LOG = "ray.log"
READY_SECONDS = 120.0
STARTED = "Ray runtime started"


class RayCluster:
    """A Ray head node. `environment`: what a driver has to set (None: to remove) before it connects."""

    def __init__(
        self,
        launch: Callable[[str], Process],
        environment: dict[str, str | None],
        run: RunFolder,
        cancelled: threading.Event,
    ) -> None:
        """`launch`: starts it on a port, "0" for a free one."""
        self._launch = launch
        self.environment = environment
        self._run = run
        self._cancelled = cancelled
        self.process, self.address = self._started("0")

    def _started(self, port: str) -> tuple[Process, str]:
        log = self._run.logs / LOG
        before = log.stat().st_size if log.exists() else 0
        address = self._run.short / "ray" / "ray_current_cluster"  # written a moment after Ray says that it runs
        address.unlink(missing_ok=True)
        process = self._launch(port)
        try:
            process.wait_ready(
                lambda: STARTED in _text(log, before) and address.exists() and bool(_text(address)),
                READY_SECONDS,
                self._cancelled,
            )
            return process, _text(address).strip()
        except BaseException:
            process.stop()
            raise

    def restart(self) -> None:
        """At its address. Of its actors nothing is left: their drivers have to connect anew."""
        self.process.stop()
        self.process, self.address = self._started(self.address.rpartition(":")[2])

    def stop(self) -> None:
        """Ends the daemons and keeps their logs."""
        self.process.stop()
        logs = self._run.short / "ray" / "session_latest" / "logs"
        shutil.copytree(logs, self._run.logs / "ray", ignore=shutil.ignore_patterns("old", "nsight", "rocprof*"))


def start(
    settings: RaySettings, run: RunFolder, cancelled: threading.Event, environ: Mapping[str, str] = os.environ
) -> RayCluster:
    """Starts the head node and waits for it. Raises DependencyError."""
    temp, token = run.short / "ray", run.path / "ray-token"
    with disk_errors(run.path):
        temp.mkdir(exist_ok=True)
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(32))
    own: dict[str, str | None] = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": None,  # it would win over the path
        "RAY_AUTH_TOKEN_PATH": str(token),
        LOOPBACK_ONLY: "0",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    daemons = {
        **own,
        "RAY_ADDRESS": None,
        "RAY_enable_worker_prestart": "false",
        "RAY_worker_niceness": "0",
        "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",  # seconds; 0.1 else, which takes a twentieth of a core
        "RAY_automatic_object_spilling_enabled": "0",  # nothing that actors give each other goes to disk
        "OMP_NUM_THREADS": "1",
    }
    environment = {name: value for name, value in {**environ, **daemons}.items() if value is not None}
    command = [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"),
        *(f"--node-ip-address={LOOPBACK}", f"--temp-dir={temp}"),
        *("--include-dashboard=false", "--include-log-monitor=false", "--no-monitor"),
        f"--object-store-memory={settings.object_store_mebibytes * 2**20}",
    ]

    def launch(port: str) -> Process:
        on_port = [*command, f"--port={port}"]
        return Process("Ray", on_port, run.logs / LOG, env=environment, cwd=run.path, grace_seconds=4)

    return RayCluster(launch, own, run, cancelled)


def _text(log: Path, since: int = 0) -> str:
    """What was written from that byte on."""
    with log.open("rb") as file:
        file.seek(since)
        return file.read().decode(errors="replace")
