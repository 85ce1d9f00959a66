"""Feeds a SiteView from Kafka, in threads of its own; survives a Kafka that is away, and knows since when."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from pipeline.errors import BadRecord, DependencyError
from pipeline.kafka.believable import check_name, taken
from pipeline.kafka.clients import UNHURRIED, consumer
from pipeline.kafka.lag import Lag
from pipeline.kafka.reader import parse
from pipeline.messages import FrameHeader, Kind, Record, checksum, record_kind
from pipeline.settings import KafkaSettings, Settings
from pipeline.topics import ALERTS, CAMERA_STATUS, CAMERAS, EVENTS, PREVIEWS, ROLES, ROLLOUTS, WINDOWS, name
from pipeline.watch.camera import Preview
from pipeline.watch.fit import check
from pipeline.watch.site import SiteView

log = logging.getLogger(__name__)

Ends = dict[TopicPartition, int]
POLL_MS = 200
PULSE_SECONDS = 1.0
PULSE_MS = 3000  # a Kafka that does not answer for so long is away
STUCK_SECONDS = 30.0  # without a record although there are some: the consumer is made anew
RETRY_SECONDS = 1.0
BACKLOG_SECONDS = 2.0
LIVE = timedelta(seconds=30)
REMINDED = timedelta(hours=26)  # an alert that stands is told again once a day
LARGEST_PREVIEW = 2**16  # bytes; ours have some hundred


@dataclass(frozen=True, slots=True)
class Feed:
    """How good the connection to Kafka is. `known_at`: up to when what is known is all there is; None: not yet.

    `past_known`: whether the windows of the past have been read, which takes longer. `away_since`: None while Kafka
    answers. `reason`: why it does not.
    """

    known_at: datetime | None = None
    past_known: bool = False
    away_since: datetime | None = None
    reason: str = ""


class Follower:
    """A context manager; `view` may be read within `reading`, from any thread."""

    def __init__(self, kafka: KafkaSettings, view: SiteView, span: timedelta, pictures: bool = True) -> None:
        """`span`: how far back windows and alerts are read at the start. `pictures`: read previews, too."""
        self._kafka = kafka
        self._view = view
        self._backs: dict[str, timedelta | None] = {  # None: from the beginning
            name(kafka, CAMERAS): None,
            name(kafka, ROLES): None,
            name(kafka, ROLLOUTS): None,
            name(kafka, CAMERA_STATUS): None,
            name(kafka, WINDOWS): span,
            name(kafka, ALERTS): max(span, REMINDED),
            name(kafka, EVENTS): LIVE,
            **({name(kafka, PREVIEWS): LIVE} if pictures else {}),
        }
        self._later = name(kafka, WINDOWS)  # many: read when what is now is known
        self._offsets: dict[TopicPartition, int] = {}  # where to go on
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._feed = Feed(away_since=datetime.now(UTC), reason="not yet connected")
        self._threads = [
            threading.Thread(target=self._keep, args=(what,), name=f"watch-{what.__name__}", daemon=True)
            for what in (self._follow, self._measure)
        ]

    @classmethod
    def of(cls, settings: Settings, pictures: bool = True) -> Self:
        """As the settings say, `watch` above all."""
        watch = settings.watch
        span = timedelta(hours=watch.hours)
        view = SiteView(settings.site, span=span, most_windows=watch.windows, silent_seconds=watch.silent_seconds)
        return cls(settings.kafka, view, span, pictures)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    @contextmanager
    def reading(self) -> Iterator[SiteView]:
        """Nothing changes meanwhile: be quick."""
        with self._lock:
            yield self._view

    @property
    def feed(self) -> Feed:
        return self._feed

    def _keep(self, work: Callable[[], None]) -> None:
        """Again after whatever Kafka does to it, until asked to stop."""
        while not self._stop.is_set():
            try:
                work()
            except (KafkaError, DependencyError, OSError) as error:
                log.warning("%s: %s", threading.current_thread().name, error)
                if work == self._follow:
                    self._lost(error)
            except Exception:
                log.exception("%s: unexpected", threading.current_thread().name)
            self._stop.wait(RETRY_SECONDS)

    # -- the records

    def _follow(self) -> None:
        reader = consumer(self._kafka, None, **UNHURRIED)
        try:
            goal = self._assign(reader)
            next_pulse, moved = 0.0, time.monotonic()
            while not self._stop.is_set():
                polled = reader.poll(timeout_ms=POLL_MS)
                self._take(polled)
                now = time.monotonic()
                moved = now if polled else moved
                if now >= next_pulse:
                    goal, behind = self._pulse(reader, goal)
                    next_pulse = time.monotonic() + PULSE_SECONDS
                    if self._feed.known_at is not None and reader.paused():
                        reader.resume(*reader.paused())
                    if behind and now - moved > STUCK_SECONDS:
                        raise DependencyError("no record comes, although there are some", "the reader is made anew")
        finally:
            reader.close(autocommit=False, timeout_ms=1000)

    def _assign(self, reader: KafkaConsumer) -> Ends:
        """Every partition of every topic, where reading goes on or, at first, begins. Where each ends."""
        partitions = []
        for topic in self._backs:
            numbers = reader.partitions_for_topic(topic)
            if not numbers:
                raise DependencyError(f"topic {topic} does not exist", "emostream topics apply creates it")
            partitions += [TopicPartition(topic, number) for number in sorted(numbers)]
        reader.assign(partitions)
        ends = reader.end_offsets(partitions, timeout_ms=PULSE_MS)
        now = datetime.now(UTC)
        times = {
            partition: int((now - back).timestamp() * 1000)
            for partition in partitions
            if partition not in self._offsets and (back := self._backs[partition.topic]) is not None
        }
        found = reader.offsets_for_times(times, timeout_ms=PULSE_MS) if times else {}
        for partition in partitions:
            if partition in self._offsets:
                reader.seek(partition, self._offsets[partition])
            elif partition not in times:
                reader.seek_to_beginning(partition)
            else:
                at = found.get(partition)
                reader.seek(partition, ends[partition] if at is None else at.offset)
        if self._feed.known_at is None:
            reader.pause(*(partition for partition in partitions if partition.topic == self._later))
        return dict(ends)

    def _pulse(self, reader: KafkaConsumer, goal: Ends) -> tuple[Ends, bool]:
        """Asks Kafka something. -> (where the partitions end now, whether something is unread that was there before).

        `goal`: where they ended at the last pulse. What came since does not count: there is always something.
        """
        try:
            ends = dict(reader.end_offsets(list(goal), timeout_ms=PULSE_MS))
            awaited = goal.keys() - reader.paused()
            behind = {p.topic for p in awaited if reader.position(p, timeout_ms=PULSE_MS) < goal[p]}
        except (KafkaError, OSError) as error:
            self._lost(error)
            return goal, False
        before = self._feed
        known = before.known_at is not None or not behind
        past_known = before.past_known or (before.known_at is not None and self._later not in behind)
        self._feed = Feed(datetime.now(UTC) if known else None, past_known)
        return ends, bool(behind)

    def _lost(self, error: Exception) -> None:
        if self._feed.away_since is None:
            log.warning("Kafka at %s is away: %s", self._kafka.bootstrap, error)
            self._feed = replace(self._feed, away_since=self._feed.known_at or datetime.now(UTC))
        silence = f"Kafka at {self._kafka.bootstrap} does not answer"
        self._feed = replace(self._feed, reason=error.message if isinstance(error, DependencyError) else silence)

    def _take(self, polled: dict[TopicPartition, list[Any]]) -> None:
        now = datetime.now(UTC)
        live = self._feed.known_at is not None
        for partition, records in polled.items():
            parsed = [(record, self._parsed(record)) for record in records]
            with self._lock:
                for record, message in parsed:
                    try:
                        self._apply(record, message, now if live else min(now, taken(record)))
                    except Exception:  # no record stops the others from being shown
                        log.exception("skipped %s/%d/%d", record.topic, record.partition, record.offset)
            self._offsets[partition] = records[-1].offset + 1

    def _parsed(self, record: Any) -> Record | Preview | None:
        """None, and a log line, for one that is not ours, or damaged, or cannot be shown."""
        if record.value is None:
            return None
        try:
            if record.topic == name(self._kafka, PREVIEWS):
                return _preview(record)
            message = parse(record)
            if message is not None:
                check(message)
        except BadRecord as error:
            log.warning("skipped %s/%d/%d: %s", record.topic, record.partition, record.offset, error.message)
            return None
        return message

    def _apply(self, record: Any, message: Record | Preview | None, at: datetime) -> None:
        if record.value is None:
            site, _, camera = (record.key or b"").decode(errors="replace").partition("/")
            if record.topic == name(self._kafka, CAMERAS) and site == self._view.site:
                self._view.removed(camera, at)
        elif isinstance(message, Preview):
            self._view.preview(message)
        elif message is not None:
            self._view.apply(message, at)

    # -- the backlog

    def _measure(self) -> None:
        with Lag(self._kafka) as lag:
            while not self._stop.wait(BACKLOG_SECONDS):
                records = lag.records()
                with self._lock:
                    self._view.backlog(records, datetime.now(UTC))


def _preview(record: Any) -> Preview:
    """Raises BadRecord for one that is not ours, or damaged."""
    if record_kind(record.headers) is not Kind.PREVIEW or len(record.value) > LARGEST_PREVIEW:
        raise BadRecord("type", "no preview")
    header = FrameHeader.decode(record.headers)
    if checksum(record.value) != header.crc:
        raise BadRecord("crc", "damaged on its way")
    frame = header.frame_id
    check_name("camera", frame.camera)
    return Preview(frame.site, frame.camera, frame.session, frame.seq, header.captured_at, record.value)
