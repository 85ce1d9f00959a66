"""How far files may run ahead of the analyzers: retention must never take a frame that nobody has read."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from pipeline.errors import EmostreamError
from pipeline.kafka.lag import Lag
from pipeline.settings import KafkaSettings

log = logging.getLogger(__name__)

ASK_SECONDS = 0.25


class Ahead:
    """Clears `go` while more than `limit` records on `frames` wait to be read, sets it again; in a thread.

    It looks only while there is something that can wait: `needed`.
    """

    def __init__(self, kafka: KafkaSettings, limit: int, go: threading.Event, needed: Callable[[], bool]) -> None:
        self._kafka = kafka
        self._limit = limit
        self._go = go
        self._needed = needed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch; nothing is held back any more. Does not wait for Kafka's answer."""
        self._stop.set()
        self._go.set()

    def join(self, timeout: float) -> None:
        """Waits for its thread's end, which a Kafka that does not answer delays."""
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with Lag(self._kafka) as lag:
                    self._watch(lag)
            except Exception as error:  # as far as was known, until Kafka answers again
                unforeseen = not isinstance(error, EmostreamError)
                log.warning("the analyzers' lag is not known: %s", error, exc_info=unforeseen)
                self._stop.wait(1.0)

    def _watch(self, lag: Lag) -> None:
        while not self._stop.wait(ASK_SECONDS):
            too_far = self._needed() and lag.records() > self._limit
            if too_far and not self._stop.is_set():
                self._go.clear()
            else:
                self._go.set()
