"""Which cameras of the topic `cameras` are this process's: those of the partitions that its group gave to it."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from pipeline.cameras.registry import CameraRegistry, apply
from pipeline.capture.reconcile import Wanted
from pipeline.errors import EmostreamError
from pipeline.kafka.clients import RARELY, consumer, subscribe
from pipeline.kafka.reader import Reader
from pipeline.messages import DesiredCamera
from pipeline.settings import Settings
from pipeline.topics import CAMERAS, name

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
MEMBER_MS = 150  # kafka-python does not get to join a group in a poll that does not wait
SESSION_MS = 10_000
AGAIN_SECONDS = 1.0
LINGER_SECONDS = 10.0  # a member that fell out of its group, as in an outage of Kafka, is mostly given the same again


class AddedCameras:
    """Follows the topic in a thread. While Kafka is away all stays as it was.

    The group only says who has which partition; what stands in the topic every process reads in full, because cameras
    of its own settings may be paused there.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._wanted = Wanted()
        self._thread = threading.Thread(target=self._run, name="added cameras", daemon=True)

    @property
    def wanted(self) -> Wanted:
        return self._wanted

    def start(self) -> None:
        """Raises DependencyError when Kafka does not answer. What is paused is known when this returns."""
        with CameraRegistry(self._settings.kafka, self._settings.site) as registry:
            self._wanted = Wanted(registry.all())
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def join(self, timeout: float) -> None:
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except Exception as error:
                unforeseen = not isinstance(error, EmostreamError)
                log.warning("the topic of cameras cannot be followed: %s", error, exc_info=unforeseen)
                self._stop.wait(AGAIN_SECONDS)

    def _follow(self) -> None:
        kafka, site = self._settings.kafka, self._settings.site
        group = f"{kafka.capture_group}.{site}"
        member = consumer(
            kafka,
            group,
            session_timeout_ms=SESSION_MS,
            partition_assignment_strategy=[CooperativeStickyAssignor],
        )
        try:
            with Reader(kafka, [CAMERAS], pace=RARELY) as reader:
                reader.from_beginning()
                kept = _Kept(site)
                for record in reader.to_end():
                    kept.add(record)
                held = _Held(member)
                subscribe(member, kafka, [name(kafka, CAMERAS)], held)
                while not self._stop.is_set():
                    member.poll(timeout_ms=MEMBER_MS)  # its partitions are paused: it only joins and stays
                    for record in reader.poll(POLL_SECONDS):
                        kept.add(record)
                    self._wanted = kept.wanted(held.partitions(time.monotonic()))
        finally:
            member.close(autocommit=False)


class _Kept:
    """What stands in the topic, and in which partition."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._cameras: dict[str, DesiredCamera] = {}
        self._partition: dict[str, int] = {}

    def add(self, record: Any) -> None:
        apply(record, self._site, self._cameras)
        camera_id = (record.key or b"").decode(errors="replace").partition("/")[2]
        self._partition[camera_id] = record.partition

    def wanted(self, partitions: frozenset[int]) -> Wanted:
        mine = frozenset(name for name in self._cameras if self._partition[name] in partitions)
        return Wanted(dict(self._cameras), mine)


class _Held(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """The partitions that the group gave us. Called on the consumer's thread, which is ours."""

    def __init__(self, member: KafkaConsumer) -> None:
        self._member = member
        self._until: dict[int, float] = {}  # by partition: when it is ours no more

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._member.pause(*assigned)
        self._until |= dict.fromkeys((partition.partition for partition in assigned), float("inf"))

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        for partition in revoked:
            self._until.pop(partition.partition, None)

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        for partition in lost:
            self._until[partition.partition] = time.monotonic() + LINGER_SECONDS

    def partitions(self, now: float) -> frozenset[int]:
        return frozenset(partition for partition, until in self._until.items() if now < until)
