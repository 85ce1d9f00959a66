"""Who changed what: written, and read back."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any, Self

from kafka.errors import KafkaError

from pipeline.errors import DependencyError
from pipeline.kafka.clients import producer
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import AuditRecord, headers_of
from pipeline.settings import KafkaSettings
from pipeline.topics import AUDIT, name

ACKNOWLEDGED_SECONDS = 10.0
HINT = "is Kafka there, and the topic? `emostream topics check` tells, `topics apply` creates it"


class AuditLog:
    """Connects at the first record, and may be used from any thread. A context manager; or close it."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._producer: Any = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def write(self, record: AuditRecord) -> None:
        """Returns when Kafka has it. Raises DependencyError when it has not in ten seconds; it may get it later."""
        with self._lock:
            if self._producer is None:
                self._producer = producer(self._kafka)
            to = self._producer
        try:
            future = to.send(
                name(self._kafka, AUDIT),
                key=record.key.encode(),
                value=record.encode(),
                headers=headers_of(record),
            )
            future.get(timeout=ACKNOWLEDGED_SECONDS)
        except KafkaError as error:
            raise DependencyError(f"{record.action} could not be written to the audit log ({error!r})", HINT) from None

    def close(self) -> None:
        with self._lock:
            if self._producer is not None:
                self._producer.close(timeout=2)
                self._producer = None


def written(kafka: KafkaSettings, since: datetime | None = None) -> list[AuditRecord]:
    """What the audit log holds, all or since a time, oldest first. What was written twice is told once."""
    found: dict[str, AuditRecord] = {}
    with Reader(kafka, [AUDIT]) as reader:
        reader.from_beginning() if since is None else reader.from_time(since)
        for record in map(parse, reader.to_end()):
            if isinstance(record, AuditRecord) and (since is None or record.at >= since):
                found[record.event_id] = record
    return sorted(found.values(), key=lambda record: (record.at, record.event_id))
