"""What `emotion-events` tells while faults happen: fates, duplicates, and when a camera was last heard anew."""

from __future__ import annotations

import bisect
import itertools
import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from pipeline.aggregate.account import Account, Frames
from pipeline.errors import BadRecord, EmostreamError
from pipeline.kafka.clients import consumer
from pipeline.messages import KINDS, FrameId, Ledger, Observation, Stub, record_kind
from pipeline.settings import KafkaSettings
from pipeline.topics import EVENTS, name

log = logging.getLogger(__name__)


class EventLog:
    """Follows the topic from its beginning in a thread of its own, through whatever happens to the broker."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._lock = threading.Lock()
        self._account = Account()
        self._records: Counter[str] = Counter()  # observations and stubs, by event id
        self._frames: set[FrameId] = set()
        self._processed: dict[str, list[float]] = defaultdict(list)  # of new observations, by camera
        self._heard: dict[str, list[float]] = defaultdict(list)  # when each of them came here
        self._next: dict[TopicPartition, int] = {}
        self._stop = threading.Event()
        self._behind = threading.Event()
        self.ledgers: list[Ledger] = []
        self.stubs: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._follow, name="event log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)

    # asked from outside

    def new(self) -> int:
        """Frames whose fate is known from observations and stubs."""
        with self._lock:
            return len(self._frames)

    def knows(self, frame: FrameId) -> bool:
        """Whether its fate was read."""
        with self._lock:
            return frame in self._frames

    def total(self, unread: list[FrameId | Ledger]) -> Frames:
        """The equation, with what stands on `frames` and was not read yet."""
        with self._lock:
            for found in unread:
                if isinstance(found, FrameId):
                    self._account.unread(found)
                else:
                    self._account.ledger(found)
            return self._account.total()

    def cameras(self) -> dict[str, Frames]:
        with self._lock:
            return self._account.cameras()

    def duplicates_raw(self) -> int:
        """Observations and stubs beyond the first of their event id, as a read_committed consumer is given them."""
        with self._lock:
            return self._records.total() - len(self._records)

    def duplicates(self) -> int:
        """What a consumer that deduplicates by event id is still told twice."""
        with self._lock:
            return len(self._records) - len(self._frames)

    def unended(self) -> list[str]:
        """Cameras of whose latest session no last ledger record was read: what it covers could be lost unseen."""
        with self._lock:
            ends = {(ledger.key, ledger.session) for ledger in self.ledgers if ledger.final}
            latest: dict[str, int] = {}
            for each in (*self._frames, *self.ledgers):
                latest[each.key] = max(latest.get(each.key, -1), each.session)
            return sorted(camera for camera, session in latest.items() if (camera, session) not in ends)

    def recovered(self, cameras: list[str], since: float, patience: float) -> float:
        """Seconds from `since` (time.time()) until each camera had a frame observed that was not known before.

        Such an observation was made after `since` and was read back from the topic: it is acknowledged.
        """
        first = self.wait(lambda: all(self._first(camera, since) for camera in cameras), patience)
        assert first, f"no new observation of {[c for c in cameras if not self._first(c, since)]} in {patience:g} s"
        return max(self._first(camera, since) or 0 for camera in cameras) - since

    def wait(self, condition: Callable[[], Any], patience: float) -> bool:
        """Whether the condition came true in time."""
        give_up = time.monotonic() + patience
        pause = threading.Event()
        while not (true := bool(condition())) and time.monotonic() < give_up:
            pause.wait(0.05)
        return true

    def pauses(self, camera: str) -> float:
        """The longest time between two new observations that came here."""
        heard = self._heard[camera]
        return max((b - a for a, b in itertools.pairwise(heard)), default=0.0)

    def _first(self, camera: str, since: float) -> float | None:
        with self._lock:
            at = bisect.bisect_right(self._processed[camera], since)
            return self._heard[camera][at] if at < len(self._heard[camera]) else None

    def caught_up(self, patience: float) -> bool:
        """Whether it comes to where the topic ends now."""
        self._behind.set()
        return self.wait(lambda: not self._behind.is_set(), patience)

    # its thread

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                self._read_on()
            except (EmostreamError, KafkaError, OSError) as error:
                log.info("reading on: %s", error)
                self._stop.wait(0.5)

    def _read_on(self) -> None:
        """From where it was: no record is counted twice because it was read twice."""
        topic = name(self._kafka, EVENTS)
        reader = consumer(self._kafka)
        try:
            parts = [TopicPartition(topic, number) for number in range(self._kafka.partitions)]
            reader.assign(parts)
            for part in parts:
                reader.seek(part, self._next.get(part, 0))
            while not self._stop.is_set():
                asked = self._behind.is_set()
                ends = reader.end_offsets(parts) if asked else {}
                for part, records in reader.poll(timeout_ms=100).items():
                    for record in records:
                        self._add(record)
                    self._next[part] = records[-1].offset + 1
                if asked and all(reader.position(part) >= end for part, end in ends.items()):
                    self._behind.clear()
        finally:
            reader.close(autocommit=False, timeout_ms=1000)

    def _add(self, record: Any) -> None:
        try:
            message = KINDS[record_kind(record.headers)].decode(record.value)
        except (BadRecord, KeyError) as error:
            log.error("on %s: %s", record.topic, error)
            return
        with self._lock:
            self._book(message)

    def _book(self, message: Any) -> None:
        self._account.add(message)
        if isinstance(message, Ledger):
            self.ledgers.append(message)
        if not isinstance(message, Observation | Stub):
            return
        new = message.frame_id not in self._frames
        self._frames.add(message.frame_id)
        self._records[message.event_id] += 1
        if new and isinstance(message, Stub):
            self.stubs[message.reason] += 1
        if new and isinstance(message, Observation):
            processed, heard = self._processed[message.camera], self._heard[message.camera]
            at = message.processed_at.timestamp()
            processed.append(max(at, processed[-1]) if processed else at)
            heard.append(time.time())
