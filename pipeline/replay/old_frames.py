"""A stretch of `frames` as a worker reads it: the same records, in a consumer that is in nobody's group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from pipeline.replay.span import Span


class OldFrames:
    """What a worker asks of its consumer. Committed offsets are kept here: on the broker, no group's offsets move.

    `on_poll` is called at each poll, in the worker's loop. What is not told of here is the consumer's own doing.
    """

    def __init__(self, consumer: KafkaConsumer, span: Span) -> None:
        self.on_poll: Callable[[], None] = lambda: None
        self._consumer = consumer
        self._span = span
        self._given: dict[TopicPartition, int] = {}  # behind the last record that the worker was given
        self._committed = {partition: span.starts[partition] for partition in span.filled}

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._consumer, attribute)

    def subscribe(self, topics: Sequence[str], listener: object = None) -> None:
        """To the stretch, whatever the topic that the worker would read."""
        self._consumer.assign(self._span.filled)
        for partition in self._span.filled:
            self._consumer.seek(partition, self._span.starts[partition])

    def poll(self, timeout_ms: int = 0, max_records: int | None = None) -> dict[TopicPartition, list[Any]]:
        self._leave_finished()
        self.on_poll()
        polled = self._consumer.poll(timeout_ms=timeout_ms, max_records=max_records)
        given: dict[TopicPartition, list[Any]] = {}
        for partition, records in polled.items():
            wanted = [record for record in records if record.offset < self._span.ends[partition]]
            if wanted:
                given[partition] = wanted
                self._given[partition] = wanted[-1].offset + 1
        return given

    def committed(self, partition: TopicPartition) -> int:
        return self._committed[partition]

    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        for partition, at in offsets.items():
            self._committed[partition] = at.offset

    @property
    def read(self) -> int:
        """Offsets that are behind the worker: its progress."""
        return sum(self._given.get(at, start) - start for at, start in self._span.starts.items())

    @property
    def finished(self) -> bool:
        """All was read, and what came of it is written."""
        return not self._consumer.assignment() and all(self._committed[at] >= to for at, to in self._given.items())

    def _leave_finished(self) -> None:
        assigned = self._consumer.assignment()
        left = [at for at in assigned if (self._consumer.position(at) or 0) < self._span.ends[at]]
        if len(left) < len(assigned):
            self._consumer.assign(left)
