"""Three hosts: a broker on each, Ray's head on the first, a Ray worker and a model server on each of the others."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.classify.choose import answers
from pipeline.errors import ClassifierUnavailable
from pipeline.local import jars, java, kafka
from pipeline.local.folders import new_run
from pipeline.local.ports import LOOPBACK
from pipeline.local.process import Process
from pipeline.settings import NO_SETTINGS, Settings
from tests.compose.file import ROOT
from tests.faults import brokers, victims
from tests.nodes.hosts import Host, bridge

BROKER, CONTROLLER, HEAD, MODEL = 9092, 9093, 6379, 7070
CPUS = 2  # that each Ray worker offers: enough for all analyzers, when the other is lost
READY_SECONDS = 400.0
AGAIN_SECONDS = 3.0  # before what has ended is started again


class Kept:
    """A command on a host that is started again when it ends, as a restart policy has it.

    Not while its host is lost, nor while it is `held`.
    """

    def __init__(self, host: Host, name: str, command: Sequence[str | Path], log: Path, env: Mapping[str, str]) -> None:
        self.host = host
        self.name = f"{name} on {host.name}"
        self.held = False
        (host.folder / name).mkdir(exist_ok=True)
        launch = partial(Process, self.name, host.command(*command), log, env=env, cwd=host.folder / name)
        self._launch: Callable[[], Process] = launch
        self.process = launch()
        self._due: float | None = None

    def check(self, now: float) -> str:
        """Why it has to be started again, "" when it runs. `now`: seconds of any clock."""
        if self.held or self.host.lost or self.process.running():
            return ""
        if self._due is None:
            self._due = now + AGAIN_SECONDS
            return f"{self.name} has ended: exit code {self.process.code}"
        if now >= self._due:
            self._due = None
            self.process.stop()
            self.process = self._launch()
        return ""

    def kill(self) -> None:
        self.process.kill()

    def stop(self) -> None:
        self.process.stop()


class Cluster:
    """`with` it: all parts answer. `settings`: with where they are."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        bridge()
        self.hosts = [Host(number, folder) for number in (1, 2, 3)]
        self.first, *self.workers = self.hosts
        self._folder = folder
        self._token = folder / "ray-token"
        self._token.touch(mode=0o600)
        self._token.write_text(secrets.token_hex(32))
        bootstrap = ",".join(f"{host.address}:{BROKER}" for host in self.hosts)
        models = ",".join(f"{host.address}:{MODEL}" for host in self.workers)
        self.settings = settings.model_copy(
            update={
                "kafka": settings.kafka.model_copy(update={"bootstrap": bootstrap, "replication": len(self.hosts)}),
                "classify": settings.classify.model_copy(update={"url": models}),
                "ray": settings.ray.model_copy(
                    update={"address": f"{self.first.address}:{HEAD}", "analyzer_cpus": 1.0}
                ),
            }
        )
        self.parts: dict[str, Kept] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop()

    def tend(self, now: float) -> dict[str, str]:
        """Starts again what has ended; tells of each part why."""
        return {name: why for name, part in self.parts.items() if (why := part.check(now))}

    def whole(self) -> bool:
        """Whether all brokers are there, and every partition has all of its replicas in sync."""
        bootstrap = self.settings.kafka.bootstrap
        return brokers.all_there(bootstrap, len(self.hosts)) and brokers.whole(bootstrap)

    def serves(self, host: Host) -> bool:
        """Whether the model server there reads a face."""
        with suppress(ClassifierUnavailable):
            return answers(self.settings.classify, f"{host.address}:{MODEL}", "")
        return False

    def analyzers(self) -> dict[str, int]:
        """How many there are on each host."""
        here = {process.pid: host.name for host in self.hosts for process in host.processes()}
        return dict(Counter(here[process.pid] for process in victims.find("analyzer") if process.pid in here))

    def environment(self, **more: str) -> dict[str, str]:
        """Of everything that is started on the hosts."""
        kept = {name: value for name, value in os.environ.items() if name in NO_SETTINGS or "EMOSTREAM_" not in name}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        ray = {
            "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self._token), "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_enable_worker_prestart": "false", "RAY_worker_niceness": "0", "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        return {**kept, "PATH": path, "PYTHONPATH": str(ROOT), **ray, **more}

    # start and end

    def _start(self) -> None:
        self._start_brokers()
        for host in self.hosts:
            self._start_ray(host)
        for host in self.workers:
            script = ROOT / "deploy" / "torchserve" / "start.py"
            self._keep(host, "model", [sys.executable, script], self.environment(TOKEN="off"))
        self._await(self.whole, "the brokers are not there")
        for host in self.workers:
            self._await(partial(self.serves, host), f"the model server of {host.name} reads no face")

    def _start_brokers(self) -> None:
        classpath, found, cluster = jars.fetch(jars.folder(), jars.read_lock()), java.find(), kafka.cluster_id()
        voters = ",".join(f"{number}@{host.address}:{CONTROLLER}" for number, host in enumerate(self.hosts, 1))
        for number, host in enumerate(self.hosts, 1):
            with closing(new_run(host.folder / "kafka")) as run:
                told = kafka.properties(run, BROKER, CONTROLLER).replace(LOOPBACK, host.address)
                told = told.replace(str(run.kafka), str(host.folder / "broker"))
                told = brokers.static(told + brokers.replicated(number, voters, len(self.hosts)))
                kafka.formatted(found, classpath, run, told, BROKER, cluster)
                for name in ("server.properties", "log4j2.properties"):
                    (run.kafka / name).rename(host.folder / name)
            command: list[str | Path] = [
                *(found.path, *kafka.VM, f"-Dlog4j2.configurationFile={host.folder / 'log4j2.properties'}"),
                *("-cp", os.pathsep.join(map(str, classpath)), "kafka.Kafka", host.folder / "server.properties"),
            ]
            self._keep(host, "broker", command, self.environment())

    def _start_ray(self, host: Host) -> None:
        """As the image does."""
        part = "head" if host is self.first else "worker"
        environment = self.environment(
            EMOSTREAM_KAFKA__BOOTSTRAP=self.settings.kafka.bootstrap,
            RAY_HEAD=f"{self.first.address}:{HEAD}",
            RAY_CPUS=str(CPUS),
            RAY_OBJECT_STORE_MEBIBYTES=str(self.settings.ray.object_store_mebibytes),
        )
        self._keep(host, "ray", [sys.executable, ROOT / "deploy/docker/bin/ray-node", part], environment)

    def _keep(self, host: Host, name: str, command: Sequence[str | Path], env: Mapping[str, str]) -> None:
        kept = Kept(host, name, command, host.folder / f"{name}.log", env)
        self.parts[kept.name] = kept

    def _await(self, condition: Callable[[], bool], otherwise: str) -> None:
        give_up = time.monotonic() + READY_SECONDS
        while not condition():
            self.tend(time.monotonic())
            assert time.monotonic() < give_up, f"{otherwise} after {READY_SECONDS:g} s"
            time.sleep(0.5)

    def _stop(self) -> None:
        for part in reversed(self.parts.values()):
            part.stop()
