"""Tells on the topic `roles`, every few seconds, that this process lives, and where its metrics are."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from kafka.errors import KafkaError

from pipeline import __version__
from pipeline.beside import Beside
from pipeline.errors import DependencyError
from pipeline.kafka.clients import producer
from pipeline.kafka.clock import Offsets
from pipeline.messages import ClockOffset, RoleState, RoleStatus, RolloutFigures, headers_of
from pipeline.metrics import Metrics
from pipeline.settings import KafkaSettings, Settings
from pipeline.topics import ROLES, name

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
BLOCK_MS = 2_000  # for what Kafka has to say before a record can be sent
STOP_SECONDS = 2.0
ANY_ADDRESS = ("", "0.0.0.0", "::")  # compared, not bound to  # nosec B104

State = tuple[RoleState, str]  # and the detail


class Heartbeat(Beside):
    """A context manager around the work of a role. Never raises, never holds the role up: with Kafka away it is silent.

    `port`: of /metrics, 0 without. `state`: asked before each sign of life, from a thread of this one's own.
    `metrics`: told how Kafka answers, and how far this machine's clock is from Kafka's. `figures`: of an analyzer, what
    it has measured of a rollout. `clock`: seconds of Unix time.
    """

    def __init__(
        self,
        settings: Settings,
        role: str,
        port: int,
        instance: str = "",
        state: Callable[[], State] = lambda: (RoleState.RUNNING, ""),
        metrics: Metrics | None = None,
        figures: Callable[[], RolloutFigures | None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__("heartbeat", STOP_SECONDS)
        host = socket.gethostname()
        self._kafka = settings.kafka
        self._state = state
        self._metrics = metrics
        self._figures = figures
        self._clock = clock
        self._offsets = Offsets()
        self._offset: ClockOffset | None = None
        now = datetime.now(UTC)
        self._status = RoleStatus(
            role=role,
            instance=instance or f"{host}-{os.getpid()}",
            site=settings.site,
            host=host,
            version=__version__,
            started_at=now,
            at=now,
            metrics=f"{reached_at(settings.metrics.host, settings.kafka)}:{port}" if port else "",
        )
        self._producer: Any = None
        self._sent: Any = None  # the last sign of life, which Kafka may not have yet

    def kafka_time(self) -> float:
        """Seconds of Unix time by Kafka's clock, as far as it is known; else by this machine's."""
        offset = self._offset
        return self._clock() - (0.0 if offset is None else offset.seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._beat(*self._state())
            self._stop.wait(EVERY_SECONDS)
        self._beat(RoleState.STOPPED, "")
        if self._producer is not None:
            with suppress(KafkaError):  # Kafka is away
                self._producer.close(timeout=1)

    def _beat(self, state: RoleState, detail: str) -> None:
        if self._sent is not None and not self._sent.is_done:
            return  # Kafka is away; one that waits for it is enough
        now = {"at": datetime.now(UTC), "state": state, "detail": detail}
        now |= {"figures": self._figures(), "clock": self._offset}
        status = self._status.model_copy(update=now)
        try:
            if self._producer is None:
                self._producer = producer(self._kafka, max_block_ms=BLOCK_MS, linger_ms=0)
            sent = self._clock()
            self._sent = self._producer.send(
                name(self._kafka, ROLES), status.encode(), status.key.encode(), headers_of(status)
            ).add_callback(self._answered, sent)
        except (DependencyError, KafkaError) as error:
            log.info("no sign of life sent: %s", error)

    def _answered(self, sent: float, taken: Any) -> None:
        """Kafka has it, and says when by its own clock. In the producer's thread."""
        self._offset = offset = self._offsets.add(sent, self._clock(), taken.timestamp)
        if self._metrics is None:
            return
        role = self._status.role
        self._metrics.kafka_answers.labels(role).inc()
        if offset is not None:
            self._metrics.clock_offset.labels(role).set(offset.seconds)
            self._metrics.clock_uncertainty.labels(role).set(offset.uncertainty)


def reached_at(host: str, kafka: KafkaSettings) -> str:
    """Where others reach what listens on `host`: for every address, the one that this machine speaks to Kafka from."""
    if host not in ANY_ADDRESS:
        return host
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(*kafka.addresses[0], type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(address)  # of UDP: no packet is sent
            own: str = probe.getsockname()[0]
    except (OSError, IndexError):
        return socket.gethostname()
    return f"[{own}]" if ":" in own else own
