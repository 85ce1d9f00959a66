"""The way to the log: frames and ledger records to `frames`, in order, and camera states to `camera-status`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from kafka.errors import KafkaError, MessageSizeTooLargeError

from pipeline import topics
from pipeline.errors import DependencyError
from pipeline.kafka import clients
from pipeline.messages import CameraStatus, FrameHeader, Headers, Ledger, headers_of
from pipeline.settings import KafkaSettings

log = logging.getLogger(__name__)

Done = Callable[[str | None], None]
"""Called once, from any thread: None when the record is in the log, else why it is not."""

TOO_LARGE = "too_large"  # the one reason for which sending again is of no use

MAX_BLOCK_MS = 3000  # a send may wait this long for a broker's answer about a topic


class FramePublisher(Protocol):
    """Takes records in order without waiting for their delivery. Thread-safe."""

    def frame(self, header: FrameHeader, jpeg: bytes, done: Done) -> None: ...

    def ledger(self, ledger: Ledger, done: Done) -> None: ...

    def status(self, status: CameraStatus, done: Done) -> None: ...

    def close(self, timeout: float) -> None:
        """Delivers what it still holds, for at most `timeout` seconds."""


class KafkaPublisher:
    """Raises DependencyError when Kafka does not answer, or its topics are missing, at the start."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._frames = topics.name(kafka, topics.FRAMES)
        self._statuses = topics.name(kafka, topics.CAMERA_STATUS)
        self._producer = clients.producer(kafka, max_block_ms=MAX_BLOCK_MS)
        for topic in (self._frames, self._statuses):
            try:
                self._producer.partitions_for(topic)  # known from here on: no send has to wait for it
            except KafkaError as error:
                self._producer.close(timeout=0)
                message = f"Kafka at {kafka.bootstrap} does not give topic {topic} ({error})"
                raise DependencyError(message, "emostream topics apply creates what is missing") from None

    def frame(self, header: FrameHeader, jpeg: bytes, done: Done) -> None:
        at = int(header.captured_at.timestamp() * 1000)
        self._send(self._frames, header.frame_id.key, jpeg, header.encode(), done, at=at)

    def ledger(self, ledger: Ledger, done: Done) -> None:
        self._send(self._frames, ledger.key, ledger.encode(), headers_of(ledger), done)

    def status(self, status: CameraStatus, done: Done) -> None:
        self._send(self._statuses, status.key, status.encode(), headers_of(status), done)

    def close(self, timeout: float) -> None:
        try:
            self._producer.close(timeout=max(0.0, timeout))
        except KafkaError as error:
            log.warning("records not delivered at the end: %s", error)

    def _send(self, topic: str, key: str, value: bytes, headers: Headers, done: Done, *, at: int | None = None) -> None:
        try:
            future = self._producer.send(topic, value, key.encode(), headers, timestamp_ms=at)
        except (KafkaError, ValueError) as error:
            done(_line(error))
            return
        future.add_callback(lambda _: done(None))
        future.add_errback(lambda error: done(_line(error)))


def _line(error: object) -> str:
    if isinstance(error, MessageSizeTooLargeError):
        return TOO_LARGE
    return f"{type(error).__name__}: {error}".splitlines()[0]
