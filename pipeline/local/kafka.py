"""A single-node Kafka (KRaft) on the loopback, its data in the run folder."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import subprocess
import threading
import uuid
from functools import partial
from pathlib import Path

from pipeline.errors import DependencyError
from pipeline.local.folders import RunFolder, disk_errors
from pipeline.local.java import Java
from pipeline.local.ports import LOOPBACK, free_ports
from pipeline.local.process import Process, telling_line
from pipeline.topics import MAX_RECORD_BYTES

LOG = "kafka.log"
READY_SECONDS = 120.0
BATCH_OVERHEAD_BYTES = 2**20
VM = ("-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # 40 % less CPU to start, as fast after

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
message.max.bytes={largest}
replica.fetch.max.bytes={largest}
socket.request.max.bytes={request}
num.network.threads=2
num.io.threads=4
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=16777216
log.retention.check.interval.ms=60000
controlled.shutdown.enable=false
"""

_LOGGING = """\
status=warn
rootLogger.level=info
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %p %m (%c{1})%n
logger.quiet.name=org.apache.kafka.common.config
logger.quiet.level=warn
logger.metadata.name=kafka.server.metadata
logger.metadata.level=warn
"""


class Kafka:
    """A broker. `bootstrap`: its address."""

    process: Process

    def __init__(self, command: list[str], run: RunFolder, bootstrap: str) -> None:
        self._launch = partial(Process, "Kafka", command, run.logs / LOG, cwd=run.kafka)
        self.bootstrap = bootstrap

    def start(self) -> None:
        """With what it had stored. Does not wait until it answers."""
        self.process = self._launch()

    def restart(self) -> None:
        """At its address. Its clients wait for it."""
        self.process.stop()
        self.start()

    def stop(self) -> None:
        self.process.stop()


def start(java: Java, classpath: list[Path], run: RunFolder, cancelled: threading.Event) -> Kafka:
    """Formats the storage, starts the broker and waits until it answers. Raises DependencyError."""
    broker, controller = free_ports(2)
    started = formatted(java, classpath, run, properties(run, broker, controller), broker, cluster_id(), "--standalone")
    started.start()
    try:
        started.process.wait_ready(lambda: answers(started.bootstrap), READY_SECONDS, cancelled)
    except BaseException:
        started.stop()
        raise
    return started


def properties(run: RunFolder, broker: int, controller: int) -> str:
    """What the broker is told, listening on these ports. Of a line that is given twice the last one counts."""
    return PROPERTIES.format(
        host=LOOPBACK,
        broker=broker,
        controller=controller,
        data=run.kafka / f"data-{broker}",
        largest=MAX_RECORD_BYTES + BATCH_OVERHEAD_BYTES,
        request=8 * MAX_RECORD_BYTES,
    )


def formatted(
    java: Java, classpath: list[Path], run: RunFolder, told: str, port: int, cluster: str, *options: str
) -> Kafka:
    """A broker with empty storage, not started yet. `options`: of the tool that formats it."""
    config, log_config = run.kafka / "server.properties", run.kafka / "log4j2.properties"
    with disk_errors(run.path):
        config.write_text(told)
        log_config.write_text(_LOGGING)
    command = [
        *(str(java.path), *VM, f"-Dlog4j2.configurationFile={log_config}"),
        *("-cp", os.pathsep.join(map(str, classpath))),
    ]
    tool = ["kafka.tools.StorageTool", "format", *options, "-t", cluster, "-c", str(config)]
    _format([*command, *tool], run.logs / LOG)
    return Kafka([*command, "kafka.Kafka", str(config)], run, f"{LOOPBACK}:{port}")


def answers(bootstrap: str) -> bool:
    """Whether the broker answers a request for the cluster's metadata and knows its controller."""
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError

    with contextlib.suppress(KafkaError, OSError):
        host, _, port = bootstrap.rpartition(":")
        socket.create_connection((host, int(port)), timeout=1).close()  # the client would wait, and log, for long
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=1000, request_timeout_ms=5000)
        try:
            cluster = admin.describe_cluster()
            return bool(cluster["brokers"]) and cluster["controller_id"] == 1
        finally:
            admin.close()
    return False


def _format(command: list[str], log: Path) -> None:
    with log.open("ab") as output:
        try:
            subprocess.run(
                command,
                stdout=output,
                stderr=output,
                check=True,
                timeout=READY_SECONDS,
                start_new_session=True,  # a Ctrl-C in the terminal is for emostream alone
            )
        except (subprocess.SubprocessError, OSError) as error:
            reason = telling_line(log) or str(error)
            raise DependencyError(f"Kafka's storage cannot be formatted: {reason}", f"its log is {log}") from None


def cluster_id() -> str:
    """A random id as Kafka writes them. Cleared, the top bit keeps the first character from being a dash."""
    first, *rest = uuid.uuid4().bytes
    return base64.urlsafe_b64encode(bytes([first & 0x7F, *rest])).decode().rstrip("=")
