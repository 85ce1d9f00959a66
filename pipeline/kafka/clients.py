"""Kafka clients with the settings this project relies on, and Kafka's errors turned into ours."""

from __future__ import annotations

import importlib.util
import logging
import queue
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import (
    AuthorizationError,
    ClusterAuthorizationFailedError,
    CommitFailedError,
    IllegalGenerationError,
    KafkaConfigurationError,
    KafkaError,
    RebalanceInProgressError,
    RetriableError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownMemberIdError,
)

from pipeline.errors import DependencyError, UsageError
from pipeline.kafka.connect import BOOTSTRAP_MS, made
from pipeline.kafka.handshake import why
from pipeline.kafka.security import client_options
from pipeline.settings import KafkaSettings
from pipeline.topics import MAX_RECORD_BYTES, Topic, plan

log = logging.getLogger(__name__)

AGAIN_SECONDS = 0.1
CONNECT_SECONDS = 1.0
NOT_OURS = (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)
"""Why a commit is refused while partitions move."""
NEVER_MS = 2**31 - 1
"""kafka-python 3.0.12 loses its producer id for good when a batch that was sent expires in an outage, and then delivers
nothing any more. So none expires: what waits is bounded by those who send."""


AT_ONCE: dict[str, int] = {}
"""How soon a consumer is to be told: of each record by itself."""
RARELY: dict[str, int] = {"fetch_max_wait_ms": 1000}
"""For who follows what rarely changes: the broker may hold a question open for long, and answers once there is more."""
UNHURRIED: dict[str, int] = {"fetch_min_bytes": 2**16}
"""For who need not know at once: the broker waits for more than one record, `fetch_max_wait_ms` at most. An answer
costs a client as much CPU time for one record as for many."""


def reachable(kafka: KafkaSettings) -> bool:
    """Whether anybody listens at one of the brokers' addresses."""
    for host, port in kafka.addresses:
        with suppress(OSError):
            socket.create_connection((host, port), CONNECT_SECONDS).close()
            return True
    return False


def advice(kafka: KafkaSettings) -> str:
    """What to do where nobody answers. Only where the settings name no Kafka is one of its own of use."""
    if kafka.bootstrap == KafkaSettings.model_fields["bootstrap"].default:
        return "`emostream up --local` brings its own; kafka.bootstrap, or a run's settings file (-c), names another"
    return "is it running there? kafka.bootstrap names it"


@contextmanager
def errors_of(kafka: KafkaSettings) -> Iterator[None]:
    """Turns what kafka-python raises while connecting into one clear line."""
    try:
        yield
    except KafkaConfigurationError as error:
        raise UsageError(f"kafka.bootstrap: {error}", "host:port, comma separated") from None
    except AuthorizationError as error:
        raise refused(error) from None
    except (KafkaError, OSError) as error:
        raise DependencyError(f"Kafka at {kafka.bootstrap} does not answer ({error})", advice(kafka)) from None


def refused(error: AuthorizationError) -> DependencyError:
    hint = "`emostream topics acls` lists what each role may, and --apply has the brokers hold to it"
    return DependencyError(f"Kafka refuses this user ({error!r})", hint)


@contextmanager
def _connecting(kafka: KafkaSettings) -> Iterator[None]:
    """As `errors_of`, and where a broker is there that does not let us in, with the reason."""
    try:
        with errors_of(kafka):
            yield
    except DependencyError:
        reason = why(kafka)
        if reason is None:
            raise
        raise reason from None


def producer(kafka: KafkaSettings, **changes: Any) -> KafkaProducer:
    """An idempotent producer with acks=all. It holds no bound on memory: its callers do."""
    if importlib.util.find_spec("crc32c") is None:
        hint = "pip install 'kafka-python[crc32c]': without it records go 70 times slower"
        raise DependencyError("the package crc32c is missing", hint)
    config: dict[str, Any] = {
        "acks": "all",
        "linger_ms": 5,
        "batch_size": 256 * 1024,
        "max_request_size": MAX_RECORD_BYTES,
        "delivery_timeout_ms": NEVER_MS,
        "request_timeout_ms": 15_000,
        "max_block_ms": BOOTSTRAP_MS,
        "reconnect_backoff_max_ms": 1000,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
        **_common(kafka),
    }
    with _connecting(kafka):
        return made(KafkaProducer, config | changes)


def consumer(kafka: KafkaSettings, group: str | None = None, **changes: Any) -> KafkaConsumer:
    """A consumer that commits only when told to and starts at the earliest record."""
    config: dict[str, Any] = {
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "max_partition_fetch_bytes": max(MAX_RECORD_BYTES, 4 * 2**20),
        "fetch_max_bytes": 32 * 2**20,
        "fetch_max_wait_ms": 100,
        "reconnect_backoff_max_ms": 1000,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
        **_common(kafka),
    }
    with _connecting(kafka):
        return made(KafkaConsumer, config | changes)


def admin(kafka: KafkaSettings) -> KafkaAdminClient:
    options = _common(kafka)
    with _connecting(kafka):
        return made(KafkaAdminClient, options)


def subscribe(
    consumer: KafkaConsumer,
    kafka: KafkaSettings,
    topics: Sequence[str],
    listener: ConsumerRebalanceListener | None = None,
) -> None:
    """Join the consumer's group for the topics, named as on the broker.

    The metadata is fetched first: kafka-python 3.0.12 that joins with what it fetched before the subscription may be
    given no partition, and is then asked again only after `metadata_max_age_ms`, five minutes.
    """
    with errors_of(kafka):
        consumer.subscribe(list(topics), listener=listener)
        missing = set(topics) - consumer.topics()
    if missing:
        raise DependencyError(f"topic {min(missing)} does not exist", absent(kafka))


def absent(kafka: KafkaSettings) -> str:
    """What to do about a topic that is not to be seen."""
    hint = "emostream topics apply creates it"
    return f"{hint}, and `emostream topics acls` tells who may see it" if kafka.security.tls else hint


def poll(consumer: KafkaConsumer, timeout_ms: int, max_records: int = 500) -> dict[TopicPartition, list[Any]]:
    """What came, by partition. Nothing while a broker goes away and comes back: kafka-python lets some of that out."""
    try:
        polled: dict[TopicPartition, list[Any]] = consumer.poll(timeout_ms=timeout_ms, max_records=max_records)
        return polled
    except AuthorizationError as error:
        raise refused(error) from None
    except RetriableError as error:
        log.warning("Kafka gives nothing: %r", error)
        time.sleep(AGAIN_SECONDS)
        return {}


def to_committed(consumer: KafkaConsumer, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
    """Read on from where its group has committed: these offsets, None where it never did.

    Needed for each partition that is taken up: kafka-python 3.0.12 that is given back a partition which it was told to
    give up goes on where it was reading, and not where it has committed.
    """
    offsets = {partition: consumer.committed(partition) for partition in partitions}
    for partition, at in offsets.items():
        if at is None:
            consumer.seek_to_beginning(partition)
        else:
            consumer.seek(partition, at)
    return offsets


class Revoked(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Remembers partitions that were taken away. Called on the consumer's thread; `take` by the owner's loop."""

    def __init__(self) -> None:
        self._partitions: queue.SimpleQueue[TopicPartition] = queue.SimpleQueue()

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        for partition in revoked:
            self._partitions.put(partition)

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        pass

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self.on_partitions_revoked(lost)

    def take(self) -> list[TopicPartition]:
        taken = []
        while not self._partitions.empty():
            taken.append(self._partitions.get())
        return taken


def apply_topics(kafka: KafkaSettings) -> list[str]:
    """Create the topics that are missing and return their names; ones that exist are left as they are.

    A user who may not create any sees only topics of its own: whether they are there shows where they are used.
    """
    topics = plan(kafka).values()
    client = admin(kafka)
    try:
        with errors_of(kafka):
            missing = [topic for topic in topics if topic.name not in set(client.list_topics())]
            if missing:
                with suppress(TopicAlreadyExistsError):  # somebody else was quicker
                    try:
                        client.create_topics([_new_topic(topic, kafka) for topic in missing])
                    except (ClusterAuthorizationFailedError, TopicAuthorizationFailedError):
                        log.info("this user may create no topics: that is left to `emostream topics apply`")
                        return []
                client.wait_for_topics([topic.name for topic in missing])
    finally:
        client.close()
    return [topic.name for topic in missing]


def check_topics(kafka: KafkaSettings) -> list[str]:
    """What is not as planned, one line each: topics missing, or with another number of partitions."""
    client = admin(kafka)
    try:
        with errors_of(kafka):
            found = {topic["name"]: len(topic["partitions"]) for topic in client.describe_topics(None)}
    finally:
        client.close()
    lines = []
    for topic in plan(kafka).values():
        count = found.get(topic.name)
        if count is None:
            lines.append(f"{topic.name}: missing; emostream topics apply creates it")
        elif count != topic.partitions:
            lines.append(f"{topic.name}: {count} partitions, planned {topic.partitions}; keys would move if it grew")
    return lines


def _new_topic(topic: Topic, kafka: KafkaSettings) -> NewTopic:
    return NewTopic(topic.name, topic.partitions, kafka.replication, topic_configs=topic.config)


def _common(kafka: KafkaSettings) -> dict[str, Any]:
    return {"bootstrap_servers": kafka.bootstrap.split(","), "client_id": "emostream", **client_options(kafka)}
