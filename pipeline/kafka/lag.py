"""How far the analyzers are behind: committed offsets of their group against the ends of `frames`."""

from __future__ import annotations

import time
from contextlib import ExitStack

from kafka import TopicPartition
from kafka.errors import RetriableError

from pipeline.kafka.clients import admin, consumer, errors_of
from pipeline.settings import KafkaSettings
from pipeline.topics import FRAMES, name

PATIENCE_SECONDS = 20.0
SHORT_SECONDS = 3.0
RETRY_SECONDS = 0.1


class Lag:
    """Keeps its connections; a context manager."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        topic = name(kafka, FRAMES)
        with ExitStack() as made:
            self._admin = admin(kafka)
            made.callback(self._admin.close)
            self._consumer = consumer(kafka)
            made.callback(self._consumer.close, autocommit=False)
            with errors_of(kafka):
                self._partitions = [TopicPartition(topic, p) for p in self._consumer.partitions_for_topic(topic) or ()]
            self._made = made.pop_all()

    def __enter__(self) -> Lag:
        return self

    def __exit__(self, *error: object) -> None:
        self._made.close()

    def committed(self, patience: float = PATIENCE_SECONDS) -> dict[TopicPartition, int]:
        """Raises DependencyError when Kafka cannot tell for `patience` seconds."""
        give_up = time.monotonic() + patience
        with errors_of(self._kafka):
            while True:
                try:
                    found = self._admin.list_group_offsets(self._kafka.group).get(self._kafka.group, {})
                    return {partition: at.offset for partition, at in found.items() if partition in self._partitions}
                except RetriableError:  # a new broker has no coordinator for the group's first seconds
                    if time.monotonic() > give_up:
                        raise
                    time.sleep(RETRY_SECONDS)

    def ends(self) -> dict[TopicPartition, int]:
        """The end of each partition of `frames`."""
        with errors_of(self._kafka):
            found: dict[TopicPartition, int] = self._consumer.end_offsets(self._partitions)
            return found

    def records(self) -> int:
        """Records on `frames` that no analyzer has committed."""
        committed = self.committed(SHORT_SECONDS)
        ends = self.ends()
        with errors_of(self._kafka):
            starts = self._consumer.beginning_offsets(self._partitions)
        return sum(max(0, end - max(starts[at], committed.get(at, 0))) for at, end in ends.items())
