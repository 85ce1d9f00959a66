"""A single-node Kafka (KRaft) on the loopback, its data in the run folder."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import subprocess
import threading
import uuid
from pathlib import Path

from pipeline.errors import DependencyError
from pipeline.local.folders import RunFolder, disk_errors
from pipeline.local.java import Java
from pipeline.local.ports import LOOPBACK, free_ports
from pipeline.local.process import Process, telling_line
from pipeline.topics import MAX_RECORD_BYTES

READY_SECONDS = 60.0
BATCH_OVERHEAD_BYTES = 2**20
VM = ("-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # 40 % less CPU to start, as fast after

_PROPERTIES = """\
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
    """A broker that answers. `bootstrap`: its address."""

    def __init__(self, process: Process, bootstrap: str) -> None:
        self.process = process
        self.bootstrap = bootstrap

    def stop(self) -> None:
        self.process.stop()


def start(java: Java, classpath: list[Path], run: RunFolder, cancelled: threading.Event) -> Kafka:
    """Formats the storage, starts the broker and waits until it answers. Raises DependencyError."""
    broker, controller = free_ports(2)
    config, log_config = run.kafka / "server.properties", run.kafka / "log4j2.properties"
    with disk_errors(run.path):
        config.write_text(
            _PROPERTIES.format(
                host=LOOPBACK,
                broker=broker,
                controller=controller,
                data=run.kafka / f"data-{broker}",
                largest=MAX_RECORD_BYTES + BATCH_OVERHEAD_BYTES,
                request=8 * MAX_RECORD_BYTES,
            )
        )
        log_config.write_text(_LOGGING)
    log = run.logs / "kafka.log"
    command = [
        *(str(java.path), *VM, f"-Dlog4j2.configurationFile={log_config}"),
        *("-cp", os.pathsep.join(map(str, classpath))),
    ]
    _format(command, config, log)
    process = Process("Kafka", [*command, "kafka.Kafka", str(config)], log, cwd=run.kafka)
    bootstrap = f"{LOOPBACK}:{broker}"
    try:
        process.wait_ready(lambda: answers(bootstrap), READY_SECONDS, cancelled)
    except BaseException:
        process.stop()
        raise
    return Kafka(process, bootstrap)


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


def _format(command: list[str], config: Path, log: Path) -> None:
    tool = ["kafka.tools.StorageTool", "format", "--standalone", "-t", _cluster_id(), "-c", str(config)]
    with log.open("ab") as output:
        try:
            subprocess.run(
                [*command, *tool],
                stdout=output,
                stderr=output,
                check=True,
                timeout=READY_SECONDS,
                start_new_session=True,  # a Ctrl-C in the terminal is for emostream alone
            )
        except (subprocess.SubprocessError, OSError) as error:
            reason = telling_line(log) or str(error)
            raise DependencyError(f"Kafka's storage cannot be formatted: {reason}", f"its log is {log}") from None


def _cluster_id() -> str:
    """A random id as Kafka writes them. Cleared, the top bit keeps the first character from being a dash."""
    first, *rest = uuid.uuid4().bytes
    return base64.urlsafe_b64encode(bytes([first & 0x7F, *rest])).decode().rstrip("=")
