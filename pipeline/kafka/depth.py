"""How much stands on the topics, how far their readers have come, and how much room the brokers' disks have: metrics.

Asked in a thread of its own, so that it goes on being told while whoever reads the topics stands still.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError

from pipeline.beside import Beside
from pipeline.errors import DependencyError
from pipeline.kafka.clients import admin, errors_of
from pipeline.metrics import Metrics
from pipeline.settings import KafkaSettings
from pipeline.topics import EVENTS, FRAMES, Topic, plan

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
STOP_SECONDS = 2.0
ROLE = "aggregate"  # who asks


class Depth(Beside):
    """A context manager around the work of the role that asks. With Kafka away it keeps silent."""

    def __init__(self, kafka: KafkaSettings, metrics: Metrics) -> None:
        super().__init__("depth", STOP_SECONDS)
        self._kafka = kafka
        self._metrics = metrics
        self._topics = plan(kafka)
        self._short = {topic.name: short for short, topic in self._topics.items()}
        self._partitions = [each for topic in self._topics.values() for each in _partitions(topic)]
        self._admin: KafkaAdminClient | None = None
        metrics.frames_retention.labels(ROLE).set(kafka.frames_retention_minutes * 60)

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self.look()
            except (DependencyError, KafkaError) as error:
                log.info("the topics are not measured: %s", error)
            except Exception:  # a bug of ours, or an answer of a broker that we do not know: no reason to stop
                log.exception("measuring the topics failed")
            self._stop.wait(EVERY_SECONDS - min(EVERY_SECONDS, time.monotonic() - began))
        if self._admin is not None:
            with suppress(KafkaError, OSError):
                self._admin.close()

    def look(self) -> None:
        """Asks, and sets the metrics. Raises DependencyError, or what kafka-python raises, where Kafka cannot tell."""
        if self._admin is None:
            self._admin = admin(self._kafka)
        with errors_of(self._kafka):
            starts = self._offsets(OffsetSpec.EARLIEST)
            ends = self._offsets(OffsetSpec.LATEST)
            groups = {"analyze": self._kafka.group, "aggregate": self._kafka.aggregate_group}
            told = self._admin.list_group_offsets(list(groups.values()))
            dirs = self._admin.describe_log_dirs()
        metrics = self._metrics
        for short in self._topics:
            metrics.topic_start.labels(short).set(self._sum(short, starts))
            metrics.topic_end.labels(short).set(self._sum(short, ends))
        for (stage, group), topic in zip(groups.items(), (FRAMES, EVENTS), strict=True):
            committed = {partition: at.offset for partition, at in told.get(group, {}).items()}
            metrics.backlog.labels(stage).set(_backlog(_partitions(self._topics[topic]), starts, ends, committed))
        self._measure_disks(dirs)

    def _offsets(self, spec: OffsetSpec) -> dict[TopicPartition, int]:
        assert self._admin is not None
        found = self._admin.list_partition_offsets(dict.fromkeys(self._partitions, spec))
        return {partition: at.offset for partition, at in found.items()}

    def _sum(self, short: str, offsets: Mapping[TopicPartition, int]) -> int:
        return sum(offsets.get(partition, 0) for partition in _partitions(self._topics[short]))

    def _measure_disks(self, brokers: Iterable[Mapping[str, Any]]) -> None:
        dirs = [each for broker in brokers for each in broker["log_dirs"]]
        sizes = dict.fromkeys(self._topics, 0)
        for topic in (topic for each in dirs for topic in each["topics"]):
            short = self._short.get(topic["name"])
            if short is not None:
                sizes[short] += sum(part["partition_size"] for part in topic["partitions"])
        for short, size in sizes.items():
            self._metrics.topic_bytes.labels(short).set(size)
        telling = [each for each in dirs if each.get("total_bytes", -1) > 0]
        if telling:  # Kafka tells since 3.3
            fullest = min(telling, key=_share_free)
            self._metrics.kafka_disk_free.labels(ROLE).set(fullest["usable_bytes"])
            self._metrics.kafka_disk_size.labels(ROLE).set(fullest["total_bytes"])


def _share_free(found: Mapping[str, Any]) -> float:
    return float(found["usable_bytes"] / found["total_bytes"])


def _partitions(topic: Topic) -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]


def _backlog(
    partitions: Iterable[TopicPartition],
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    committed: Mapping[TopicPartition, int],
) -> int:
    """What was deleted unread is no backlog any more."""
    return sum(max(0, ends.get(at, 0) - max(starts.get(at, 0), committed.get(at, 0))) for at in partitions)
