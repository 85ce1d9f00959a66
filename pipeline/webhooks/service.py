"""`emostream webhooks`: alerts of the topic to the addresses of the settings, at least once each.

Each address has a consumer group of its own, so that one that does not answer holds nobody up, and is told of alerts in
the order of the log. An alert's offset is committed when it was taken, or is a dead letter.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from datetime import UTC, datetime
from typing import Any

import httpx
from kafka import KafkaConsumer, TopicPartition

from pipeline.errors import UsageError
from pipeline.kafka.clients import consumer, errors_of, producer, subscribe
from pipeline.kafka.heartbeat import Heartbeat
from pipeline.kafka.outbox import Out, Outbox
from pipeline.kafka.reader import parse
from pipeline.messages import Alert, DeadLetter, headers_of
from pipeline.metrics import Metrics, list_targets
from pipeline.settings import Settings, WebhookSettings
from pipeline.topics import ALERTS, DEAD_LETTERS, name
from pipeline.webhooks.delivery import Endpoint, GivenUp, Stopped
from pipeline.webhooks.message import place, wanted

log = logging.getLogger(__name__)

POLL_MS = 200
NEW_SECONDS = 3600.0
STOP_SECONDS = 12.0  # an attempt that is under way when asked to stop may end; later it is made again


class Sender:
    """Alerts to one address, by one consumer."""

    def __init__(
        self, settings: Settings, endpoint: WebhookSettings, reader: KafkaConsumer, outbox: Outbox, post: Endpoint
    ) -> None:
        self._kafka = settings.kafka
        self._endpoint = endpoint
        self._consumer = reader
        self._outbox = outbox
        self._post = post
        self._known: set[TopicPartition] = set()

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Raises DependencyError when Kafka takes no dead letter."""
        subscribe(self._consumer, self._kafka, [name(self._kafka, ALERTS)])
        while not stop.is_set():
            polled = self._consumer.poll(timeout_ms=POLL_MS)
            begun = self._begin()
            for partition, records in polled.items():
                for record in records if partition not in begun else ():
                    try:
                        self._send(record)
                    except Stopped:
                        return
                    self._outbox.commit(self._consumer, {partition: record.offset + 1})

    def _begin(self) -> set[TopicPartition]:
        """Partitions of which nothing was ever sent: an address that is new is told of the last hour, not of all."""
        assigned = self._consumer.assignment()
        new, self._known = assigned - self._known, assigned
        begun = {partition for partition in new if self._consumer.committed(partition) is None}
        since = int((time.time() - NEW_SECONDS) * 1000)
        if begun:
            with errors_of(self._kafka):
                found = self._consumer.offsets_for_times(dict.fromkeys(begun, since))
                ends = self._consumer.end_offsets(begun)
            for partition in begun:
                at = found.get(partition)
                self._consumer.seek(partition, ends[partition] if at is None else at.offset)
        return begun

    def _send(self, record: Any) -> None:
        alert = parse(record)
        if not isinstance(alert, Alert) or not wanted(self._endpoint, alert):
            return
        given_up = self._post.deliver(alert, record.timestamp / 1000 + self._endpoint.give_up_seconds)
        if given_up is not None:
            self._bury(record, alert, given_up)

    def _bury(self, record: Any, alert: Alert, given_up: GivenUp) -> None:
        where = place(self._endpoint.url)
        log.error("%s at %s: gave up on %s: %s", self._endpoint.id, where, alert.event_id, given_up.said)
        letter = DeadLetter(
            reason="webhook",
            error=f"{given_up.said}, after {given_up.attempts} attempts",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            at=datetime.now(UTC),
            foreign=True,
            event_id=alert.event_id,
            size_bytes=len(record.value),
            headers={"webhook": self._endpoint.id, "url": where, "status": str(given_up.status or "")},
        )
        topic = name(self._kafka, DEAD_LETTERS)
        self._outbox.send(Out(topic, alert.owner.encode(), letter.encode(), headers_of(letter)))


def run(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set. Raises UsageError without an address or for a wrong one, DependencyError without Kafka."""
    if not settings.webhooks:
        raise UsageError("webhooks: none in the settings", "docs/alerts.md shows how to name one")
    for endpoint in settings.webhooks:
        Endpoint.check(endpoint)
    metrics = Metrics("webhooks")
    port = metrics.serve(settings.metrics.host)
    list_targets(settings.metrics.targets_dir, "webhooks", settings.metrics.host, [port])
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    threads = [
        threading.Thread(target=_send, args=(settings, endpoint, metrics, stop, ended), name=endpoint.id, daemon=True)
        for endpoint in settings.webhooks
    ]
    with Heartbeat(settings, "webhooks", port, metrics=metrics):
        for thread in threads:
            thread.start()
        error = ended.get()
        stop.set()
        give_up = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, give_up - time.monotonic()))
    if error is not None:
        raise error


def _send(
    settings: Settings,
    endpoint: WebhookSettings,
    metrics: Metrics,
    stop: threading.Event,
    ended: queue.SimpleQueue[BaseException | None],
) -> None:
    """A thread of its own for each address. `ended`: how it ended."""
    try:
        group = f"{settings.kafka.webhooks_group}-{endpoint.id}"
        patience = int((endpoint.give_up_seconds + 60) * 1000)  # one alert may take so long
        reader = consumer(
            settings.kafka,
            group,
            max_poll_records=1,
            max_poll_interval_ms=patience,
            session_timeout_ms=6_000,
            heartbeat_interval_ms=2_000,
        )
        outbox = Outbox(producer(settings.kafka), settings.kafka)
        try:
            with httpx.Client(timeout=endpoint.timeout_seconds) as client:
                Sender(settings, endpoint, reader, outbox, Endpoint(endpoint, client, metrics, stop)).run(stop)
        finally:
            reader.close(autocommit=False, timeout_ms=2000)
            outbox.close()
    except BaseException as error:  # the main thread raises it
        ended.put(error)
    else:
        ended.put(None)
