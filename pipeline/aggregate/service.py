"""The aggregator: reads observations and ledger records, writes windows and alerts.

A member of one consumer group on `emotion-events` and `aggregate-state`. Whoever is given a partition of either reads
the partition of `aggregate-state` with that number from its beginning, and knows what its predecessor knew. Outputs
are flushed, then offsets committed; what is read again after a kill is written again, equal.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner import murmur2

from pipeline.aggregate.aggregator import GIVE_UP, EventsPartition, StatePartition
from pipeline.aggregate.alerts.absence import Absence
from pipeline.aggregate.alerts.commands import Acknowledge, Command, Forget, Silence
from pipeline.aggregate.alerts.owner import Rules
from pipeline.aggregate.heard import Ends, Heard
from pipeline.aggregate.joint import JointPartition
from pipeline.aggregate.shown import Shown
from pipeline.aggregate.spans import place
from pipeline.aggregate.state import KINDS, CameraRecord, PanesRecord, ReleaseRecord, ScopeRecord, State
from pipeline.aggregate.traced import Traced
from pipeline.aggregate.windows import Policy, Spec
from pipeline.errors import BadRecord, DependencyError
from pipeline.kafka.believable import check, taken
from pipeline.kafka.clients import Revoked, errors_of, poll, subscribe, to_committed
from pipeline.kafka.lag import SHORT_SECONDS, Lag
from pipeline.kafka.outbox import Committed, Out, Outbox
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import (
    Alert,
    AlertState,
    CameraState,
    CameraStatus,
    CrowdRecord,
    Idle,
    Ledger,
    Message,
    Observation,
    Scope,
    Stub,
    Window,
    headers_of,
    trace_headers,
)
from pipeline.metrics import Metrics
from pipeline.settings import AggregateSettings, Settings
from pipeline.topics import ALERTS, EVENTS, STATE, WINDOWS, name
from pipeline.traces import Spans
from pipeline.zones import Zones

log = logging.getLogger(__name__)

POLL_MS = 200
Made = CameraRecord | PanesRecord | ScopeRecord | ReleaseRecord | Window | Alert


def policy(settings: AggregateSettings) -> Policy:
    """What the settings say of windows."""
    specs = [Spec(*(timedelta(seconds=s) for s in (w.seconds, w.every_seconds or w.seconds))) for w in settings.windows]
    return Policy(tuple(specs), timedelta(seconds=settings.revision_seconds), timedelta(seconds=settings.grace_seconds))


def rules(settings: Settings) -> Rules:
    """What the settings say of alerts."""
    no_data, first = settings.no_data, settings.aggregate.windows[0].name
    absence = Absence(no_data, Spec.parse(no_data.window or first)) if no_data.enabled else None
    return Rules(settings.alerts, absence)


class Aggregator:
    """The loop of `run` owns everything here."""

    def __init__(
        self,
        settings: Settings,
        reader: KafkaConsumer,
        statuses: Reader,
        outbox: Outbox,
        lag: Lag,
        metrics: Metrics,
        spans: Spans | None = None,
    ) -> None:
        """`statuses`: of `camera-status`, which tells what cameras there are before anything is heard of them.

        `spans`: where traces are kept.
        """
        self._kafka = settings.kafka
        self._settings = settings.aggregate
        self._privacy = settings.privacy
        self._exactly_once = settings.delivery == "exactly_once"
        self._policy = policy(settings.aggregate)
        self._rules = rules(settings)
        self._zones = Zones(settings.zones)
        self._consumer = reader
        self._statuses = statuses
        self._roster: dict[str, set[str]] = defaultdict(set)  # cameras by site
        self._outbox = outbox
        self._lag = lag
        self._metrics = metrics
        self._spans = spans
        self._traced = Traced(self._zones.of)
        self._shown = Shown(metrics)
        self._events_topic, self._state_topic = name(settings.kafka, EVENTS), name(settings.kafka, STATE)
        self._alerts_topic = name(settings.kafka, ALERTS)
        self._windows_topic = name(settings.kafka, WINDOWS)
        self._events: dict[int, EventsPartition] = {}
        self._scopes: dict[int, StatePartition] = {}
        self._next: dict[TopicPartition, int] = {}  # the next offset of each partition that is ours; -1: unknown
        self._to_store: dict[bytes, tuple[TopicPartition, Out]] = {}
        self._stored: dict[TopicPartition, int] = {}  # what may be committed
        self._revoked = Revoked()
        self._heard = Heard()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. Raises DependencyError when an output is not taken, or its place was."""
        self._statuses.from_time(datetime.now(UTC) - GIVE_UP)
        self._enlist(self._statuses.to_end())
        subscribe(self._consumer, self._kafka, [self._events_topic, self._state_topic], self._revoked)
        next_commit = next_idle = time.monotonic()
        while not stop.is_set():
            polled = poll(self._consumer, POLL_MS)
            if self._forget_revoked():
                continue
            self._enlist(self._statuses.poll(0))
            new = self._consumer.assignment() - self._next.keys()
            self._take_up(new)
            for partition, records in polled.items():
                for record in records if partition not in new else ():  # those are read from where they were committed
                    self._add(partition, record)
            now = time.monotonic()
            if now >= next_idle:
                next_idle = now + self._settings.idle_seconds / 4
                self._tell_idle()
            if now >= next_commit:
                next_commit = now + self._settings.commit_seconds
                self._commit()
                self._shown.show(self._events.values(), self._scopes)
        self._commit()
        self._commit()  # at least once: what the first one stored

    @property
    def leads(self) -> bool:
        """Whether this is the one of its group that does what only one may do. May be asked from any thread."""
        return 0 in self._events

    def _enlist(self, records: Iterable[Any]) -> None:
        """Cameras that gave pictures: something of them is to come."""
        for record in records:
            status = parse(record)
            if isinstance(status, CameraStatus) and status.state is CameraState.UP:
                self._roster[status.site].add(status.camera)

    def _awaited(self, panes: PanesRecord) -> list[str]:
        """Cameras that a scope waits for, if nothing was heard of them yet."""
        if panes.scope is Scope.CAMERA:
            return []
        cameras = sorted(self._roster[panes.site])
        if panes.scope is Scope.SITE:
            return cameras
        return [camera for camera in cameras if panes.id in self._zones.of(camera, panes.as_of)]

    def _forget_revoked(self) -> bool:
        """Whether everything begins anew, at offsets before what was just read."""
        revoked = self._revoked.take()
        for partition in revoked:
            held: dict[int, Any] = self._events if partition.topic == self._events_topic else self._scopes
            held.pop(partition.partition, None)
            self._next.pop(partition, None)
            self._stored.pop(partition, None)
            self._to_store = {key: stored for key, stored in self._to_store.items() if stored[0] != partition}
        undone = bool(revoked) and self._outbox.undo()
        if undone:
            self._start_over()
        return undone

    def _start_over(self) -> None:
        """What was sent since the last commit is undone: it is made again from the records."""
        self._events.clear()
        self._scopes.clear()
        self._next.clear()
        self._stored.clear()
        self._to_store.clear()
        to_committed(self._consumer, self._consumer.assignment())

    def _take_up(self, new: set[TopicPartition]) -> None:
        """What was known of these partitions."""
        if not new:
            return
        to_committed(self._consumer, new)
        newest: dict[int, dict[str, CameraRecord | ScopeRecord | ReleaseRecord]] = defaultdict(dict)
        others: dict[int, list[tuple[Any, PanesRecord | Command]]] = defaultdict(list)
        with Reader(self._kafka, [STATE], {partition.partition for partition in new}) as reader:
            reader.from_beginning()
            for record in reader.to_end():
                match state := _state(record):
                    case PanesRecord() | Acknowledge() | Silence() | Forget():
                        others[record.partition].append((record, state))
                    case CameraRecord() | ScopeRecord() | ReleaseRecord():
                        newest[record.partition][state.key] = state
        for partition in sorted(new):
            number = partition.partition
            self._next[partition] = -1
            if partition.topic == self._events_topic:
                cameras = [state for state in newest[number].values() if isinstance(state, CameraRecord)]
                self._events[number] = EventsPartition(self._policy, self._zones, cameras, self._privacy.aggregates)
            else:
                scopes = [state for state in newest[number].values() if isinstance(state, ScopeRecord)]
                releases = [state for state in newest[number].values() if isinstance(state, ReleaseRecord)]
                self._scopes[number] = self._state_partition(scopes, releases)
                for record, state in others[number]:
                    self._add_state(partition, state, record)

    def _state_partition(self, scopes: list[ScopeRecord], releases: list[ReleaseRecord]) -> StatePartition:
        if self._privacy.aggregates:
            return JointPartition(self._policy, self._privacy.k_minimum, scopes, releases, self._rules)
        return StatePartition(self._policy, scopes, self._rules)

    def _add(self, partition: TopicPartition, record: Any) -> None:
        if partition.topic == self._events_topic:
            message = parse(record)
            if isinstance(message, Observation | CrowdRecord | Stub | Ledger | Idle):
                if isinstance(message, Observation):
                    self._traced.seen(message, record.headers)
                self._add_event(partition, message, record.offset)
        else:
            state = _state(record)
            if isinstance(state, PanesRecord | Acknowledge | Silence | Forget):
                self._add_state(partition, state, record)
        self._next[partition] = record.offset + 1

    def _add_event(self, partition: TopicPartition, message: Message | CrowdRecord, offset: int) -> None:
        events = self._events[partition.partition]
        before = events.too_late
        try:
            made = events.add(message, offset, datetime.now(UTC))
        except Exception:  # a bug of ours: it would fail again each time, and must not stop the partition
            log.exception("counting %s/%d/%d failed, it is passed over", *partition, offset)
            return
        self._write(partition, made)
        self._metrics.late_events.inc(events.too_late - before)

    def _add_state(self, partition: TopicPartition, state: PanesRecord | Command, record: Any) -> None:
        scopes, offset = self._scopes[partition.partition], record.offset
        try:
            if isinstance(state, PanesRecord):
                self._traced.told(state, record.headers)
                made = scopes.add(state, self._awaited(state), offset)
            else:
                made = scopes.command(state, offset)
        except Exception:  # as above
            log.exception("merging %s/%d/%d failed, it is passed over", *partition, offset)
            return
        self._write(partition, made)
        if isinstance(state, PanesRecord) and state.scope is Scope.CAMERA and state.gone:
            self._shown.covered(state.id, None, partition.partition)

    def _write(self, source: TopicPartition, records: Iterable[Made]) -> None:
        """What the records of `source` set free: sent at once, but for states, which wait for what they tell of."""
        for record in records:
            key, value = record.key.encode(), record.encode()
            match record:
                case CameraRecord() | ReleaseRecord() | ScopeRecord():
                    self._to_store[key] = source, Out(self._state_topic, key, value, [], source.partition)
                case PanesRecord():
                    frame = self._traced.of_panes(record)
                    headers = frame.headers() if frame else []
                    self._outbox.send(Out(self._state_topic, key, value, headers, self._partition(record.owner)))
                case Alert():
                    out = Out(self._alerts_topic, key, value, headers_of(record), self._partition(record.owner))
                    self._outbox.send(out)
                    if record.state is AlertState.RAISED:
                        self._metrics.alerts.labels(record.rule).inc()
                case Window():
                    traced = place(record, self._traced.of_window(record), self._spans)
                    headers = headers_of(record) + trace_headers(traced)
                    out = Out(self._windows_topic, key, value, headers, self._partition(record.owner))
                    self._outbox.send(out)
                    self._metrics.windows_emitted.labels(str(record.final).lower()).inc()
                    if record.scope is Scope.CAMERA and record.spec == str(self._policy.specs[0]):
                        self._shown.covered(record.id, record.coverage, source.partition)

    def _partition(self, owner: str) -> int:
        return int(murmur2(owner.encode()) & 0x7FFFFFFF) % self._kafka.partitions

    def _tell_idle(self) -> None:
        """Up to where everything was read, here and by analyze: else what seems silent may be on its way."""
        now, after = datetime.now(UTC), timedelta(seconds=self._settings.idle_seconds)
        for site, cameras in self._roster.items():
            for camera in cameras:
                events = self._events.get(self._partition(f"{site}/{camera}"))
                if events is not None:
                    events.expect(site, camera)
        try:
            ends = self._ends()
        except DependencyError as error:
            log.warning("silent cameras are not told of: %s", error)
            return
        for partition, until in self._heard.until(ends, now).items():
            for record in self._events[partition].idle(until, after):
                out = Out(self._events_topic, record.key.encode(), record.encode(), headers_of(record))
                self._outbox.send(out)

    def _ends(self) -> Ends:
        """How far what was captured has come. The first stage is asked first, so that nothing seems to be ahead."""
        frames = self._lag.ends()
        analyzed = self._lag.committed(SHORT_SECONDS)
        ours = [partition for partition in self._next if self._is_events(partition)]
        with errors_of(self._kafka):
            events = self._consumer.end_offsets(ours)
        read = {partition.partition: self._consumer.position(partition) or 0 for partition in ours}
        return Ends(_by_number(frames), _by_number(analyzed), _by_number(events), read)

    def _is_events(self, partition: TopicPartition) -> bool:
        return bool(partition.topic == self._events_topic)

    def _commit(self) -> None:
        """Exactly once: what was made, what is known and the offsets are one transaction.

        At least once: flush what was made; commit what was stored the last time, which tells whether it is still ours;
        store. So no state is known before what it tells of is written, no offset is committed before the state is
        known, and one whose place was taken stores nothing any more.
        """
        if self._exactly_once:
            self._store()
            offsets = {p: at for p, at in self._resume().items() if at != self._stored.get(p)}
            if self._outbox.commit(self._consumer, offsets) is Committed.UNDONE:
                self._start_over()
            else:
                self._stored |= offsets
        elif self._outbox.commit(self._consumer, self._stored) is Committed.YES:
            self._store()
            self._outbox.flush()
            self._stored = self._resume()

    def _store(self) -> None:
        for _, out in self._to_store.values():
            self._outbox.send(out)
        self._to_store.clear()

    def _resume(self) -> dict[TopicPartition, int]:
        """From where to read again after a restart."""
        return {
            partition: self._events[partition.partition].resume(following) if self._is_events(partition) else following
            for partition, following in self._next.items()
            if following >= 0
        }


def _state(record: Any) -> State | None:
    """A record of `aggregate-state`; None, and a log line, for one that is not ours."""
    kind = KINDS.get((record.key or b"").split(b"/")[0].decode(errors="replace"))
    try:
        if kind is None:
            raise BadRecord("key", f"unknown key {record.key!r}")
        state = kind.decode(record.value)
        check(state, taken(record))
        return state
    except BadRecord as error:
        log.warning("skipped %s/%d/%d: %s", record.topic, record.partition, record.offset, error.message)
        return None


def _by_number(offsets: Mapping[TopicPartition, int]) -> dict[int, int]:
    return {partition.partition: offset for partition, offset in offsets.items()}
