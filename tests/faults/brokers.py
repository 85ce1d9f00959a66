"""Kafka brokers of a fault's own: one behind a network that can fail, or three that replicate."""

from __future__ import annotations

import contextlib
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from pipeline.local import jars, java, kafka
from pipeline.local.folders import new_run
from pipeline.local.ports import LOOPBACK, free_ports
from pipeline.settings import Settings
from tests.faults.proxy import Proxy

READY_SECONDS = 120.0
SESSION_MS = 6000  # until the controller gives up a broker that is silent; Kafka's own is 9000


class Brokers:
    """`settings.kafka` names them, with as many replicas as there are brokers. With one, a Proxy stands before it.

    A broker that ends is started again, unless `held`. Ray is the analyze role's own.
    """

    def __init__(self, settings: Settings, folder: Path, count: int = 1) -> None:
        self.settings = settings
        self.held = False
        self._folder = folder
        self._count = count
        self._exits = ExitStack()
        self.proxy = Proxy()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._exits.close()

    def tend(self, now: float) -> dict[str, str]:
        ended = {}
        for number, node in enumerate(self.nodes, 1):
            if not self.held and not node.process.running():
                ended[f"broker {number}"] = f"broker {number} has ended"
                node.restart()
        return ended

    def _start(self) -> None:
        classpath, found = jars.fetch(jars.folder(), jars.read_lock()), java.find()
        ports, controllers = free_ports(self._count), free_ports(self._count)
        self._exits.callback(self.proxy.close)
        voters = ",".join(f"{n}@{LOOPBACK}:{port}" for n, port in enumerate(controllers, 1))
        cluster = kafka.cluster_id()
        self.nodes: list[kafka.Kafka] = []
        for number, (port, controller) in enumerate(zip(ports, controllers, strict=True), 1):
            run = self._exits.enter_context(contextlib.closing(new_run(self._folder / f"broker-{number}")))
            told = kafka.properties(run, port, controller) + replicated(number, voters, self._count)
            if self._count == 1:
                told += f"advertised.listeners=PLAINTEXT://{LOOPBACK}:{self.proxy.port}\n"
            self.nodes.append(kafka.formatted(found, classpath, run, static(told), port, cluster))
        for node in self.nodes:
            node.start()
            self._exits.callback(node.stop)
        self.proxy.to(ports[0])
        bootstrap = ",".join(f"{LOOPBACK}:{port}" for port in (ports if self._count > 1 else [self.proxy.port]))
        update = {"bootstrap": bootstrap, "replication": self._count}
        self.settings = self.settings.model_copy(update={"kafka": self.settings.kafka.model_copy(update=update)})
        self._await(bootstrap)

    def _await(self, bootstrap: str) -> None:
        give_up = time.monotonic() + READY_SECONDS
        while not all_there(bootstrap, self._count):
            for node in self.nodes:
                node.process.check()
            assert time.monotonic() < give_up, f"the brokers are not there after {READY_SECONDS:g} s"
            time.sleep(0.2)

    def whole(self) -> bool:
        return whole(self.settings.kafka.bootstrap)


def replicated(number: int, voters: str, count: int) -> str:
    """What a broker of a static quorum is told besides, where there are so many."""
    return f"""\
node.id={number}
controller.quorum.voters={voters}
broker.session.timeout.ms={SESSION_MS}
offsets.topic.replication.factor={count}
transaction.state.log.replication.factor={count}
transaction.state.log.min.isr={min(2, count)}
min.insync.replicas={min(2, count)}
"""


def static(told: str) -> str:
    """Without what only a quorum that finds its members by itself is told."""
    return told.replace("controller.quorum.bootstrap.servers=", "#")


def all_there(bootstrap: str, count: int) -> bool:
    """Whether so many brokers are in the cluster."""
    with contextlib.suppress(KafkaError, OSError), contextlib.closing(_admin(bootstrap)) as admin:
        return len(admin.describe_cluster()["brokers"]) == count
    return False


def whole(bootstrap: str) -> bool:
    """Whether every partition has all of its replicas in sync."""
    with contextlib.suppress(KafkaError, OSError), contextlib.closing(_admin(bootstrap)) as admin:
        parts = [part for topic in admin.describe_topics(None) for part in topic["partitions"]]
        return all(len(part["isr_nodes"]) == len(part["replica_nodes"]) for part in parts)
    return False


def _admin(bootstrap: str) -> KafkaAdminClient:
    servers = bootstrap.split(",")
    return KafkaAdminClient(bootstrap_servers=servers, bootstrap_timeout_ms=1000, request_timeout_ms=5000)
