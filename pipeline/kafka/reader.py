"""Reads whole topics without a consumer group: for the live view, `events`, and the report."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from kafka import TopicPartition

from pipeline.errors import BadRecord, DependencyError
from pipeline.kafka.believable import check, taken
from pipeline.kafka.clients import AT_ONCE, absent, consumer, errors_of
from pipeline.messages import KINDS, PICTURES, FrameHeader, FrameId, Kind, Ledger, Record, frame_identity, record_kind
from pipeline.settings import KafkaSettings
from pipeline.topics import FRAMES, name

log = logging.getLogger(__name__)


class Reader:
    """Every partition of some topics, or those of `numbers`, from their end, beginning, a time or given offsets on."""

    def __init__(
        self,
        kafka: KafkaSettings,
        topics: Iterable[str],
        numbers: Collection[int] = (),
        pace: Mapping[str, int] = AT_ONCE,
    ) -> None:
        """`pace`: AT_ONCE, UNHURRIED or RARELY."""
        self._kafka = kafka
        self._consumer = consumer(kafka, None, **pace)
        try:
            with errors_of(kafka):
                names = [name(kafka, topic) for topic in topics]
                self._partitions = [
                    TopicPartition(topic, number) for topic in names for number in numbers or self._numbers(topic)
                ]
                self._consumer.assign(self._partitions)
        except BaseException:
            self._consumer.close(autocommit=False)
            raise

    def _numbers(self, topic: str) -> list[int]:
        numbers = self._consumer.partitions_for_topic(topic)
        if not numbers:
            raise DependencyError(f"topic {topic} does not exist", absent(self._kafka))
        return sorted(numbers)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        self._consumer.close(autocommit=False)

    def from_beginning(self) -> None:
        self._consumer.seek_to_beginning(*self._partitions)

    def from_end(self) -> None:
        """Only what comes from now on. The positions are settled when this returns."""
        with errors_of(self._kafka):
            for partition, offset in self._consumer.end_offsets(self._partitions).items():
                self._consumer.seek(partition, offset)

    def from_last(self, records: int) -> None:
        """The last so many of each partition, as far as offsets tell."""
        with errors_of(self._kafka):
            ends = self._consumer.end_offsets(self._partitions)
        self.from_offsets({partition: end - records for partition, end in ends.items()})

    def from_time(self, since: datetime) -> None:
        millis = int(since.timestamp() * 1000)
        with errors_of(self._kafka):
            found = self._consumer.offsets_for_times(dict.fromkeys(self._partitions, millis))
            ends = self._consumer.end_offsets(self._partitions)
            for partition in self._partitions:
                at = found.get(partition)
                self._consumer.seek(partition, ends[partition] if at is None else at.offset)

    def from_offsets(self, offsets: dict[TopicPartition, int]) -> None:
        """From these offsets; partitions that are not named, or whose offset is gone, from their beginning."""
        with errors_of(self._kafka):
            beginnings = self._consumer.beginning_offsets(self._partitions)
            for partition, beginning in beginnings.items():
                self._consumer.seek(partition, max(beginning, offsets.get(partition, 0)))

    def poll(self, seconds: float) -> list[Any]:
        """Records as they are on the broker, at most 500."""
        polled = self._consumer.poll(timeout_ms=int(seconds * 1000))
        return [record for records in polled.values() for record in records]

    def to_end(self) -> Iterator[Any]:
        """The records up to where the topics end now. Raises DependencyError when Kafka stops giving them."""
        with errors_of(self._kafka):
            ends = self._consumer.end_offsets(self._partitions)
            empty_polls = 0
            while any(self._consumer.position(partition) < end for partition, end in ends.items()):
                records = self.poll(1.0)
                yield from records
                empty_polls = 0 if records else empty_polls + 1
                if empty_polls > 30:
                    raise DependencyError("Kafka stopped answering while topics were read to their end", "see its log")


def parse(record: Any) -> Record | None:
    """The message of a JSON record, None (and a log line) for one that is not ours, or that nobody can count."""
    try:
        kind = record_kind(record.headers)
        if kind in PICTURES:
            raise BadRecord("type", "a picture")
        message = KINDS[kind].decode(record.value)
        check(message, taken(record))
        return message
    except BadRecord as error:
        log.warning("skipped %s/%d/%d: %s", record.topic, record.partition, record.offset, error.message)
        return None


def shown(record: Any) -> Any:
    """A record as JSON: `type` is its ce_type, then its value; of a picture, its headers."""
    try:
        kind = record_kind(record.headers)
        if kind in PICTURES:
            header = FrameHeader.decode(record.headers)
            return {
                "type": kind.value,
                "event_id": header.frame_id.event_id,
                "captured_at": header.captured_at.isoformat(),
                "width": header.width,
                "height": header.height,
                "jpeg_bytes": len(record.value or b""),
            }
    except BadRecord as error:
        return {"error": error.message, "topic": record.topic, "partition": record.partition, "offset": record.offset}
    message = parse(record)
    if message is None:
        return {"error": "not readable", "topic": record.topic, "partition": record.partition, "offset": record.offset}
    return {"type": kind.value, **message.model_dump(mode="json")}


def unread_frames(kafka: KafkaSettings, committed: dict[TopicPartition, int]) -> Iterator[FrameId | Ledger]:
    """What stands on `frames` behind the committed offsets: identities of frames, and ledger records."""
    with Reader(kafka, [FRAMES]) as reader:
        reader.from_offsets(committed)
        for record in reader.to_end():
            try:
                kind = record_kind(record.headers)
            except BadRecord:
                continue  # foreign
            frame = frame_identity(dict(record.headers))
            if kind is Kind.FRAME and frame is not None:
                yield frame
            elif kind is Kind.LEDGER and isinstance(ledger := parse(record), Ledger):
                yield ledger
