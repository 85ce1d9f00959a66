"""What the broker really holds of a site now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from pipeline.kafka.clients import admin, consumer, errors_of
from pipeline.privacy.kept import Contents
from pipeline.settings import KafkaSettings

CHECK = "log.retention.check.interval.ms"
CHECK_SECONDS = 300.0  # Kafka's default


def contents(kafka: KafkaSettings, names: Collection[str]) -> dict[str, Contents]:
    """Of these topics, how much they hold and since when. Raises DependencyError without Kafka."""
    sizes = _sizes(kafka)
    reader = consumer(kafka)
    found = {}
    try:
        with errors_of(kafka):
            for name in names:
                partitions = [TopicPartition(name, number) for number in reader.partitions_for_topic(name) or ()]
                first, last = reader.beginning_offsets(partitions), reader.end_offsets(partitions)
                oldest = reader.offsets_for_times(dict.fromkeys(partitions, 0))
                times = [at.timestamp for at in oldest.values() if at is not None and at.timestamp > 0]
                found[name] = Contents(
                    records=sum(last[partition] - first[partition] for partition in partitions),
                    oldest=datetime.fromtimestamp(min(times) / 1000, UTC) if times else None,
                    bytes=sizes.get(name) if sizes else None,
                )
    finally:
        reader.close()
    return found


def names(kafka: KafkaSettings) -> list[str]:
    """Every topic that the broker has. Raises DependencyError without Kafka."""
    client = admin(kafka)
    try:
        with errors_of(kafka):
            return list(client.list_topics())
    finally:
        client.close()


def check_seconds(kafka: KafkaSettings) -> float:
    """How often the broker looks for what is old enough to be deleted."""
    client = admin(kafka)
    try:
        with errors_of(kafka):
            broker = str(client.describe_cluster()["brokers"][0]["broker_id"])
            told = client.describe_configs([ConfigResource(ConfigResourceType.BROKER, broker)], config_filter="all")
    except KafkaError:  # not everybody may ask
        return CHECK_SECONDS
    finally:
        client.close()
    entry = told.get("broker", {}).get(broker, {}).get(CHECK)
    return CHECK_SECONDS if entry is None else int(entry["value"]) / 1000


def _sizes(kafka: KafkaSettings) -> Counter[str]:
    """Bytes by topic, all copies; nothing where this user may not ask."""
    sizes: Counter[str] = Counter()
    client = admin(kafka)
    try:
        for directory in (each for broker in client.describe_log_dirs() for each in broker["log_dirs"]):
            for topic in directory["topics"]:
                sizes[topic["name"]] += sum(part["partition_size"] for part in topic["partitions"])
    except KafkaError:
        sizes.clear()
    finally:
        client.close()
    return sizes
