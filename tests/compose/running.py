"""All services, started in the order that the compose file asks for, and kept as its restart policy says."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.local import jars, java
from tests.compose.container import Container
from tests.compose.file import REQUIRED, ROOT, Service, read, services
from tests.compose.network import Networks

PROFILES = ("demo",)
LEFT_OUT = {"grafana"}  # its program is not to be had here
STARTED_SECONDS = 420.0
POLL_SECONDS = 1.0


class NotStarted(Exception):
    """A service that did not come to what others wait for."""


class Running:
    """`with Running(folder) as running:` comes back when every service is healthy, or done where it is a job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "logs").mkdir(parents=True)
        secrets = folder / "secrets"
        subprocess.run([ROOT / "deploy/docker/make-secrets", secrets], check=True, stdout=subprocess.DEVNULL)
        variables = {**REQUIRED, "EMOSTREAM_SECRETS": str(secrets), "EMOSTREAM_PARTITIONS": "3", "ANALYZERS": "2"}
        whole = read(variables)
        chosen = services(whole, *PROFILES)
        self.services = {name: service for name, service in chosen.items() if name not in LEFT_OUT}
        self.networks = Networks(self.services, whole["networks"])
        self.ready_after: dict[str, float] = {}
        self._done: set[str] = set()
        self._began = time.monotonic()
        self._leaving = threading.Event()
        self.containers = {name: self._container(service) for name, service in self.services.items()}

    def __enter__(self) -> Self:
        try:
            self._start_all()
        except BaseException:
            self._stop()
            raise
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop()

    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text()

    def until(self, condition: Callable[[], Any], seconds: float, otherwise: str) -> Any:
        give_up = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > give_up:
                raise AssertionError(otherwise)
            time.sleep(POLL_SECONDS)
        return found

    def _start_all(self) -> None:
        waiting = dict(self.containers)
        pending: dict[str, Container] = {}
        last: dict[str, str] = {}
        give_up = time.monotonic() + STARTED_SECONDS
        while waiting or pending:
            for name in [name for name in waiting if self._may_start(self.services[name])]:
                pending[name] = waiting.pop(name)
                pending[name].start()
            for name in list(pending):
                last[name] = self._wrong(pending[name])
                if not last[name]:
                    self.ready_after[name] = round(time.monotonic() - self._began, 1)
                    self._done.add(name)
                    del pending[name]
            if time.monotonic() > give_up:
                told = "\n".join(f"{name}: {last[name]}\n{each.told()}" for name, each in pending.items())
                raise NotStarted(f"after {STARTED_SECONDS:g} s, still waited for:\n{told}")
            time.sleep(POLL_SECONDS)

    def _may_start(self, service: Service) -> bool:
        shared = {service.network_of} - {""}
        wanted = {name for name, how in service.depends.items() if how.get("required", True) or name in self.services}
        return (wanted | shared) - LEFT_OUT <= self._done

    def _wrong(self, container: Container) -> str:
        """What keeps those who wait for it; empty: nothing."""
        if container.service.raw.get("restart") == "no":
            if container.code is None:
                return "has not ended"
            if container.code == 0:
                return ""
            raise NotStarted(f"{container.name}: exit code {container.code}\n{container.told()}")
        if container.code is not None:
            raise NotStarted(f"{container.name} has ended: exit code {container.code}\n{container.told()}")
        return container.healthy()

    def _keep(self) -> None:
        """unless-stopped."""
        while not self._leaving.wait(POLL_SECONDS):
            for container in self.containers.values():
                if container.service.raw.get("restart") != "no" and container.code is not None:
                    container.start()

    def _stop(self) -> None:
        self._leaving.set()
        if hasattr(self, "_keeper"):
            self._keeper.join()
        for container in reversed(self.containers.values()):
            container.stop(3)

    def _container(self, service: Service) -> Container:
        staged = {"/opt/emostream/models": detector_folder()}
        stand_in = {"kafka": kafka_image, "alertmanager": alertmanager_image}.get(service.name)
        return Container(service, self.networks, self.folder, stand_in() if stand_in else {}, staged)


def detector_folder() -> Path:
    """As the image has it: with YuNet's file where it is to be had, else empty."""
    from tests.conftest import SHARED_DATA

    return SHARED_DATA / "models" if (SHARED_DATA / "models").is_dir() else Path("/mnt")


def kafka_image() -> dict[str, Any]:
    """The scripts of Kafka's image that we call, by the classes that they run."""
    classpath = jars.fetch(jars.folder(), jars.read_lock())
    found = java.find().path
    run = f'exec {found} $KAFKA_HEAP_OPTS $KAFKA_LOG4J_OPTS -cp "{":".join(map(str, classpath))}"'
    return {
        "files": {
            "/opt/kafka/bin/kafka-storage.sh": f'#!/bin/bash\n{run} kafka.tools.StorageTool "$@"\n',
            "/opt/kafka/bin/kafka-server-start.sh": f'#!/bin/bash\n{run} kafka.Kafka "$@"\n',
        },
        "here": {jars.folder().resolve(), found.resolve().parents[1]},
    }


def alertmanager_image() -> dict[str, Any]:
    return {"links": {"/usr/local/bin/alertmanager": shutil.which("prometheus-alertmanager") or "missing"}}
