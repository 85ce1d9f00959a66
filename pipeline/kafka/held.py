"""The topics as the broker holds them, and how that differs from the plan."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from pipeline.errors import DependencyError
from pipeline.kafka.clients import admin, errors_of, producer
from pipeline.kafka.clock import Offsets
from pipeline.messages import ClockOffset
from pipeline.settings import KafkaSettings
from pipeline.topics import ROLES, Topic, name

READABLE = frozenset({"producer", "uncompressed", "gzip", "lz4", "zstd"})
"""What consumers of ours can read: snappy is not among it."""
KEPT = "retention.ms"
ASK_SECONDS = 10.0
ASKED = 5  # the first one waits for the connection


@dataclass(frozen=True)
class Held:
    """A topic on the broker. `config`: its settings, those that are the broker's defaults, too."""

    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class Difference:
    """`field`: of the topic's settings, "partitions" or "topic". `wanted`, `found`: "" where there is none."""

    topic: str
    field: str
    wanted: str
    found: str


def held_topics(kafka: KafkaSettings, planned: Mapping[str, Topic]) -> dict[str, Held]:
    """Those of the planned topics that are there, by name. Raises DependencyError without Kafka."""
    client = admin(kafka)
    try:
        with errors_of(kafka):
            found = {topic["name"]: len(topic["partitions"]) for topic in client.describe_topics(None)}
            names = [topic.name for topic in planned.values() if topic.name in found]
            resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
            told = client.describe_configs(resources, config_filter="all").get("topic", {}) if names else {}
    finally:
        client.close()
    hidden = [name for name in names if not told.get(name)]
    if hidden:
        hint = "this user has to be allowed to describe it: `emostream topics acls`"
        raise DependencyError(f"Kafka does not tell the configuration of topic {hidden[0]}", hint)
    return {
        name: Held(found[name], {key: str(entry["value"]) for key, entry in told.get(name, {}).items()})
        for name in names
    }


def differences(planned: Mapping[str, Topic], held: Mapping[str, Held]) -> list[Difference]:
    """What is not as planned: topics, partitions, settings. Pure."""
    found = []
    for topic in planned.values():
        there = held.get(topic.name)
        if there is None:
            found.append(Difference(topic.name, "topic", topic.name, ""))
            continue
        if there.partitions != topic.partitions:
            found.append(Difference(topic.name, "partitions", str(topic.partitions), str(there.partitions)))
        for field, wanted in topic.config.items():
            if (value := there.config.get(field, "")) != wanted:
                found.append(Difference(topic.name, field, wanted, value))
        codec = there.config.get("compression.type", "producer")
        if codec not in READABLE and "compression.type" not in topic.config:
            found.append(Difference(topic.name, "compression.type", "producer", codec))
    return found


def clock_offset(kafka: KafkaSettings, clock: Callable[[], float] = time.time) -> ClockOffset:
    """Of this machine's `clock`, seconds of Unix time.

    Asked by empty records on `roles`, which stand for no role; Kafka says when it took them. Raises DependencyError.
    """
    to, offsets, offset = producer(kafka, linger_ms=0), Offsets(), None
    key = f"doctor/{socket.gethostname()}".encode()
    try:
        for _ in range(ASKED):
            sent = clock()
            taken = to.send(name(kafka, ROLES), key=key, value=None).get(timeout=ASK_SECONDS)
            offset = offsets.add(sent, clock(), taken.timestamp)
    except KafkaError as error:
        raise DependencyError(f"Kafka does not tell its time ({error!r})", "see its log") from None
    finally:
        to.close(timeout=1)
    if offset is None:
        raise DependencyError("this machine's clock goes back and forth", "who sets it?")
    return offset
