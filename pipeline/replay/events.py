"""`emostream replay --topic emotion-events`: windows of old observations, and those of the first time beside them."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from typing import Any

from kafka import TopicPartition
from kafka.partitioner import murmur2

from pipeline.aggregate.aggregator import GIVE_UP
from pipeline.aggregate.service import policy, rules
from pipeline.errors import EmostreamError
from pipeline.kafka.outbox import Out, Outbox, outbox
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import (
    Alert,
    CameraState,
    CameraStatus,
    Idle,
    Ledger,
    Observation,
    Stub,
    Window,
    headers_of,
)
from pipeline.replay.alert_diff import AlertComparison
from pipeline.replay.frames import Advance, Chosen
from pipeline.replay.span import Span, first_taken
from pipeline.replay.window_diff import EVER, WindowComparison
from pipeline.replay.windows import Told, Windows
from pipeline.settings import KafkaSettings, Settings
from pipeline.topics import ALERTS, CAMERA_STATUS, EVENTS, WINDOWS, name
from pipeline.zones import Zones

FLUSH_EVERY = 1000  # windows and alerts
ADVANCE_EVERY = 200  # records


def replay(
    settings: Settings,
    mine: KafkaSettings,
    span: Span,
    since: datetime | None,
    chosen: Chosen,
    advance: Advance,
    stop: threading.Event,
) -> Windows:
    """Returns when all of the span was read and the windows are written to `mine`. Raises EmostreamError."""
    windows = Windows(policy(settings.aggregate), Zones(settings.zones), chosen.cameras, rules(settings))
    statuses = name(settings.kafka, CAMERA_STATUS)
    done = 0
    with ExitStack() as stack:
        writer = outbox(settings.model_copy(update={"kafka": mine, "delivery": "at_least_once"}), "")
        stack.callback(writer.close)
        write = _writer(writer, mine)
        for record in _in_time(settings.kafka, span, since, stack):
            if stop.is_set():
                raise EmostreamError(f"stopped after {done} of {span.records} records", "its topics stay as they are")
            message, now = parse(record), datetime.fromtimestamp(record.timestamp / 1000, UTC)
            if record.topic == statuses:
                if isinstance(message, CameraStatus) and message.state is CameraState.UP and chosen.key(record.key):
                    windows.expect(message.site, message.camera, now)
                continue
            done += 1
            if isinstance(message, Observation | Stub | Ledger | Idle):
                whole = not span.starts[TopicPartition(record.topic, record.partition)]
                write(windows.add(message, record.partition, record.offset, now, whole=whole))
            if not done % ADVANCE_EVERY:
                advance(done, "")
        write(windows.end())
        writer.flush()
    return windows


def compare(
    settings: Settings, mine: KafkaSettings, span: Span, since: datetime | None, windows: Windows
) -> dict[str, Any]:
    """What the replay says otherwise. Raises DependencyError when Kafka does not answer."""
    cut = _cut(settings.kafka, span, since)
    begin = {owner: windows.since(owner, cut) for owner in windows.told_to}
    told, alerts = WindowComparison(begin, windows.told_to), AlertComparison(begin, windows.told_to)
    with Reader(settings.kafka, [WINDOWS, ALERTS]) as first, Reader(mine, [WINDOWS, ALERTS]) as again:
        first.from_beginning() if since is None else first.from_time(since)
        again.from_beginning()
        for each in _told(first):
            told.first(each) if isinstance(each, Window) else alerts.first(each)
        for each in _told(again):
            told.again(each) if isinstance(each, Window) else alerts.again(each)
    cameras = sorted(f"{site}/{camera}" for site, camera in windows.heard)
    return {**told.report(), "alerts": alerts.report(), "cameras": cameras}


def _in_time(kafka: KafkaSettings, span: Span, since: datetime | None, stack: ExitStack) -> Iterator[Any]:
    """Records of the span and of `camera-status`, nearly in the order in which Kafka took them."""
    statuses = stack.enter_context(Reader(kafka, [CAMERA_STATUS]))
    statuses.from_beginning() if since is None else statuses.from_time(since - GIVE_UP)
    streams: list[Iterator[Any]] = [statuses.to_end()]
    for at in span.filled:
        reader = stack.enter_context(Reader(kafka, [EVENTS], {at.partition}))
        reader.from_offsets({at: span.starts[at]})
        streams.append(takewhile(partial(_within, span), reader.to_end()))
    return heapq.merge(*streams, key=lambda record: record.timestamp)


def _within(span: Span, record: Any) -> bool:
    return bool(record.offset < span.ends[TopicPartition(record.topic, record.partition)])


def _writer(writer: Outbox, mine: KafkaSettings) -> Callable[[Iterable[Told]], None]:
    """Writes windows and alerts where the aggregator would."""
    windows, alerts, unwritten = name(mine, WINDOWS), name(mine, ALERTS), 0

    def write(told: Iterable[Told]) -> None:
        nonlocal unwritten
        for each in told:
            topic = windows if isinstance(each, Window) else alerts
            partition = (murmur2(each.owner.encode()) & 0x7FFFFFFF) % mine.partitions
            writer.send(Out(topic, each.key.encode(), each.encode(), headers_of(each), partition))
            unwritten += 1
        if unwritten >= FLUSH_EVERY:
            writer.flush()
            unwritten = 0

    return write


def _cut(kafka: KafkaSettings, span: Span, since: datetime | None) -> datetime:
    """The moment before which records were left out, or were no longer kept."""
    cuts = [EVER]
    for at, start in span.starts.items():
        if start and since is not None:
            cuts.append(since)
        if at in span.cut_off and at in span.filled:
            cuts.append(first_taken(kafka, EVENTS, span, at))
    return max(cuts)


def _told(reader: Reader) -> Iterator[Told]:
    for record in reader.to_end():
        message = parse(record)
        if isinstance(message, Window | Alert):
            yield message
