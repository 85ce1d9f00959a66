"""Records on their way out, and the offsets of what they were made from: first written, then committed.

`Outbox` writes at least once: what was written when its writer was killed before the commit is written again.
`Transactions` writes exactly once: outputs and offsets are one Kafka transaction, of which readers see all or nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import FencedInstanceIdError, KafkaError, KafkaTimeoutError
from kafka.structs import OffsetAndMetadata

from pipeline.errors import DependencyError
from pipeline.kafka.clients import NOT_OURS, errors_of, producer, reachable
from pipeline.messages import Headers
from pipeline.settings import KafkaSettings, Settings

log = logging.getLogger(__name__)

FLUSH_SECONDS = 60.0  # for records to be taken by a Kafka that is there
PROBE_SECONDS = 5.0
TRANSACTION_MS = 10_000  # a transaction whose writer died is undone after this; its readers wait as long
Offsets = Mapping[TopicPartition, int]  # of the next record to read
Notes = Mapping[TopicPartition, str]  # kept with them
NO_NOTES: Notes = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Out:
    """A record to be written. `topic` is the broker's name of it; the key decides the partition, unless it is given."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    partition: int | None = None


class Committed(Enum):
    """How a commit ended. LATER: not now, all is still there to be committed again.

    UNDONE: nothing that was sent since the last commit will ever be read; it must be made again from the records.
    """

    YES = auto()
    LATER = auto()
    UNDONE = auto()


class Outbox:
    """A producer that remembers what it has not seen acknowledged."""

    def __init__(self, producer: KafkaProducer, kafka: KafkaSettings) -> None:
        self._producer = producer
        self._kafka = kafka
        self._pending: list[Any] = []
        self._busy = False

    @property
    def waiting(self) -> bool:
        """Whether its writer waits for a Kafka that is not there. May be asked from any thread."""
        return self._busy and not reachable(self._kafka)

    def send(self, out: Out) -> None:
        """Raises DependencyError when Kafka does not take it."""
        try:
            future = self._producer.send(
                out.topic, value=out.value, key=out.key, headers=out.headers, partition=out.partition
            )
        except KafkaError as error:
            raise _failed(error) from None
        self._pending.append(future)

    def flush(self) -> None:
        """Return when every record sent so far is acknowledged. While Kafka is away, wait for it.

        Raises DependencyError when one is not taken though Kafka is there.
        """
        if not self._pending:
            return
        with self._at_work():
            self._flush()
        for future in self._pending:
            if not future.is_done:
                raise _failed("no acknowledgement")
            if future.failed():
                raise _failed(future.exception)
        self._pending.clear()

    def _flush(self) -> None:
        give_up = time.monotonic() + FLUSH_SECONDS
        while True:
            try:
                self._producer.flush(timeout=PROBE_SECONDS)
                return
            except KafkaTimeoutError as error:
                if not reachable(self._kafka):
                    give_up = time.monotonic() + FLUSH_SECONDS
                elif time.monotonic() > give_up:
                    raise _failed(error) from None
            except KafkaError as error:
                raise _failed(error) from None

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def commit(self, consumer: KafkaConsumer, offsets: Offsets, notes: Notes = NO_NOTES) -> Committed:
        """All that was sent is written, then `offsets` are committed for the consumer's group.

        Raises DependencyError when an output is not taken, or another member took this one's place.
        """
        self.flush()
        if not offsets:
            return Committed.YES
        try:
            with self._at_work():
                consumer.commit(_with_metadata(offsets, notes))
        except FencedInstanceIdError:
            raise _replaced() from None
        except NOT_OURS as error:
            log.info("not committed, partitions are moving: %r", error)
        except KafkaError as error:
            log.warning("not committed, will be tried again: %r", error)
        else:
            return Committed.YES
        return Committed.LATER

    def undo(self) -> bool:
        """Whether what was sent since the last commit will never be read: asked when partitions are taken away."""
        return False

    def close(self) -> None:
        self._producer.close(timeout=2)


class Transactions(Outbox):
    """What is sent between two commits is a transaction. The producer must have a transactional id of its own.

    One that takes over an id ends the open transaction of its predecessor. Raises DependencyError without Kafka.
    """

    def __init__(self, producer: KafkaProducer, kafka: KafkaSettings) -> None:
        super().__init__(producer, kafka)
        self._open = False
        try:
            producer.init_transactions()
        except KafkaError as error:
            raise _failed(error) from None

    def send(self, out: Out) -> None:
        self._begin()
        super().send(out)

    def commit(self, consumer: KafkaConsumer, offsets: Offsets, notes: Notes = NO_NOTES) -> Committed:
        if not offsets and not self._open:
            return Committed.YES
        member = consumer.group_metadata()
        if member.generation_id < 0:  # out of the group; the broker would not ask whose the partitions are now
            self.undo()
            return Committed.UNDONE
        self._begin()
        try:
            with self._at_work():
                if offsets:
                    self._producer.send_offsets_to_transaction(_with_metadata(offsets, notes), member)
                self._producer.commit_transaction()
        except FencedInstanceIdError:
            raise _replaced() from None
        except NOT_OURS as error:
            log.info("undone, partitions are moving: %r", error)
            self.undo()
            return Committed.UNDONE
        except KafkaError as error:
            raise _failed(error) from None
        self._open = False
        self._pending.clear()
        return Committed.YES

    def _begin(self) -> None:
        if not self._open:
            try:
                self._producer.begin_transaction()
            except KafkaError as error:
                raise _failed(error) from None
            self._open = True

    def undo(self) -> bool:
        if not self._open:
            return False
        try:
            self._producer.abort_transaction()
        except KafkaError as error:
            raise _failed(error) from None
        self._open = False
        self._pending.clear()
        return True


def outbox(settings: Settings, name: str) -> Outbox:
    """As `settings.delivery` says. `name`: of this member of the group, the same after every restart."""
    if settings.delivery == "at_least_once":
        return Outbox(producer(settings.kafka, compression_type="lz4"), settings.kafka)
    writer = producer(
        settings.kafka, compression_type="lz4", transactional_id=name, transaction_timeout_ms=TRANSACTION_MS
    )
    with errors_of(settings.kafka):
        return Transactions(writer, settings.kafka)


def _with_metadata(offsets: Offsets, notes: Notes) -> dict[TopicPartition, OffsetAndMetadata]:
    return {partition: OffsetAndMetadata(at, notes.get(partition, ""), -1) for partition, at in offsets.items()}


def _failed(error: object) -> DependencyError:
    return DependencyError(f"Kafka did not take an output ({error!r})", "nothing is lost: it is read again")


def _replaced() -> DependencyError:
    return DependencyError("another one took this one's place in its group", "it goes on there")
