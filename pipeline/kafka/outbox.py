"""Records on their way out: sent in order, and known to be written before anything is committed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from pipeline.errors import DependencyError
from pipeline.messages import Headers

FLUSH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Out:
    """A record to be written. `topic` is the broker's name of it; the key decides the partition, unless it is given."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    partition: int | None = None


class Outbox:
    """A producer that remembers what it has not seen acknowledged."""

    def __init__(self, producer: KafkaProducer) -> None:
        self._producer = producer
        self._pending: list[Any] = []

    def send(self, out: Out) -> None:
        try:
            future = self._producer.send(
                out.topic, value=out.value, key=out.key, headers=out.headers, partition=out.partition
            )
        except KafkaError as error:
            raise _failed(error) from None
        self._pending.append(future)

    def flush(self) -> None:
        """Return when every record sent so far is acknowledged. Raises DependencyError when one is not."""
        if not self._pending:
            return
        try:
            self._producer.flush(timeout=FLUSH_SECONDS)
        except KafkaError as error:
            raise _failed(error) from None
        for future in self._pending:
            if not future.is_done:
                raise _failed("no acknowledgement")
            if future.failed():
                raise _failed(future.exception)
        self._pending.clear()


def _failed(error: object) -> DependencyError:
    return DependencyError(f"Kafka did not take an output ({error!r})", "nothing is lost: it is read again")
