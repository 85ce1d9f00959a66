"""The topic `rollouts`: what people ask for, and what is decided; a record of each for a site."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Self

from kafka.errors import KafkaError

from pipeline.beside import Beside
from pipeline.errors import DependencyError
from pipeline.kafka.clients import RARELY, producer
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import Rollout, RolloutVerdict, headers_of
from pipeline.rollout.stages import Known, joined
from pipeline.settings import KafkaSettings
from pipeline.topics import ROLLOUTS, name

log = logging.getLogger(__name__)

WRITE_SECONDS = 10.0
POLL_SECONDS = 1.0
RETRY_SECONDS = 5.0


def apply(record: Any, site: str, known: Known) -> Known:
    """With one record of `rollouts` more. Those of other sites, and that are not ours, are passed over."""
    match None if record.value is None else parse(record):
        case Rollout() | RolloutVerdict() as ours if ours.site == site:
            return joined(known, ours)
    return known


def fold(records: Iterable[Any], site: str) -> Known:
    """What records of `rollouts`, in order, come to."""
    known: Known = None, None
    for record in records:
        known = apply(record, site, known)
    return known


class RolloutRegistry:
    """Reads and writes the rollout of one site. What was written is in the log when a call returns.

    Raises DependencyError when Kafka does not answer.
    """

    def __init__(self, kafka: KafkaSettings, site: str) -> None:
        self._kafka = kafka
        self._site = site
        self._producer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def known(self) -> Known:
        with Reader(self._kafka, [ROLLOUTS]) as reader:
            reader.from_beginning()
            return fold(reader.to_end(), self._site)

    def put(self, record: Rollout | RolloutVerdict) -> None:
        if self._producer is None:
            limits = {"request_timeout_ms": 5_000, "delivery_timeout_ms": int(WRITE_SECONDS * 1000)}
            self._producer = producer(self._kafka, **limits)
        try:
            self._producer.send(
                name(self._kafka, ROLLOUTS), record.encode(), record.key.encode(), headers_of(record)
            ).get(WRITE_SECONDS)
        except KafkaError as error:
            self._producer.close(timeout=0)
            self._producer = None  # it may be of no use after a failure
            message = f"Kafka at {self._kafka.bootstrap} did not take the change ({error or type(error).__name__})"
            raise DependencyError(message, "it may still be taken; look before you try again") from None

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=WRITE_SECONDS)


class Following(Beside):
    """A context manager: tells `changed` what is known, at first before it is entered, then on a thread of its own.

    Survives a Kafka that is away. Without the topic, as before an upgrade is complete, there is no rollout.
    """

    def __init__(self, kafka: KafkaSettings, site: str, changed: Callable[[Known], None]) -> None:
        super().__init__("rollouts", 2 * POLL_SECONDS)
        self._kafka = kafka
        self._site = site
        self._changed = changed
        self._known: Known = None, None

    def __enter__(self) -> Self:
        try:
            reader = self._read()
        except DependencyError as error:
            log.warning("no rollout is followed: %s", error)
            reader = None
        self._reader = reader
        return super().__enter__()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                reader = self._reader or self._read()
                with reader:
                    while not self._stop.is_set():
                        self._take(reader.poll(POLL_SECONDS))
            except (KafkaError, DependencyError, OSError) as error:
                log.info("rollouts are not read: %s", error)
            except Exception:
                log.exception("reading of rollouts failed")
            self._reader = None
            self._stop.wait(RETRY_SECONDS)

    def _read(self) -> Reader:
        """All from the beginning: it is little."""
        reader = Reader(self._kafka, [ROLLOUTS], pace=RARELY)
        try:
            reader.from_beginning()
            self._take(reader.to_end())
        except BaseException:
            reader.__exit__()
            raise
        return reader

    def _take(self, records: Iterable[Any]) -> None:
        known = self._known
        for record in records:
            known = apply(record, self._site, known)
        if known != self._known:
            self._changed(known)
            self._known = known
