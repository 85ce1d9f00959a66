"""The analyzer on a real Kafka: fates, order, commits. Detector and model are fakes that fit the seams."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from pipeline.aggregate.account import Account
from pipeline.analyze.vision import Vision
from pipeline.analyze.worker import Worker
from pipeline.kafka.clients import consumer, producer
from pipeline.kafka.lag import Lag
from pipeline.kafka.outbox import Outbox
from pipeline.messages import (
    DeadLetter,
    FrameHeader,
    FrameId,
    Ledger,
    Observation,
    SeqRange,
    Stub,
    checksum,
)
from pipeline.metrics import Metrics
from pipeline.settings import KafkaSettings, Settings, load
from pipeline.topics import CAMERA_STATUS, DEAD_LETTERS, EVENTS
from tests.frames import AT, JPEG, PATIENCE, Even, Log, OneFace, wait_until


@pytest.fixture
def log(kafka_settings: KafkaSettings) -> Iterator[Log]:
    log = Log(kafka_settings)
    yield log
    log.producer.close()


def settings(kafka: KafkaSettings, overload: dict[str, float] | None = None, **analyze: Any) -> Settings:
    usual = {"commit_seconds": 0.2, "stall_seconds": 30}
    return load(kafka=kafka.model_dump(), analyze={**usual, **analyze}, overload=overload or {})


@contextmanager
def working(kafka: KafkaSettings, classifier: Any = None, instance: str = "0", **analyze: Any) -> Iterator[Worker]:
    """A worker that runs in a thread until the block ends; what it raised is raised again."""
    chosen = settings(kafka, **analyze)
    reader = consumer(kafka, kafka.group, group_instance_id=instance, session_timeout_ms=10_000)
    writer = producer(kafka)
    metrics = Metrics("analyze", CollectorRegistry())
    classifier = classifier or Even()
    worker = Worker(chosen, reader, Outbox(writer, kafka), Vision(chosen, OneFace(), classifier), classifier, metrics)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            worker.run()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(PATIENCE)
        reader.close(autocommit=False)
        writer.close()
        assert not thread.is_alive()
        if failed:
            raise failed[0]


def header(seq: int) -> FrameHeader:
    return FrameHeader(FrameId("site", "cam", 1, seq), AT, 160, 120, checksum(JPEG))


def observed(count: int) -> Callable[[list[Any]], bool]:
    return lambda messages: sum(isinstance(message, Observation) for message in messages) >= count


def test_frames_become_observations_in_order_and_the_ledger_passes_through(log: Log) -> None:
    for camera in ("a", "b"):
        for seq in range(20):
            log.frame(seq, camera)
        log.ledger(0, 20, camera, final=True)
    with working(log.kafka):
        messages = log.read(EVENTS, lambda got: sum(isinstance(m, Ledger) for m in got) == 2)
    for camera in ("a", "b"):
        mine = [message for message in messages if message.camera == camera]
        assert [message.seq for message in mine[:-1]] == list(range(20))
        assert isinstance(mine[-1], Ledger)
    first = messages[0]
    assert first.event_id == f"site/{first.camera}/1/0"
    assert first.faces[0].scores is not None
    assert first.faces[0].label in first.faces[0].scores
    assert first.captured_at == AT


def test_what_cannot_be_used_is_one_dead_letter_and_the_rest_goes_on(log: Log) -> None:
    log.frame(0)
    log.frame(1, crc=b"00000000")
    log.frame(2, jpeg=b"")
    log.frame(3, jpeg=JPEG[: len(JPEG) // 2])
    log.frame(4, size=b"1600x1200")
    log.frame(5, captured_at=b"yesterday")
    log.send("site/cam", b"garbage", [])
    log.send("site/cam", b"{}", [("ce_type", b"emostream.ledger.v1")])
    log.send("site/other", JPEG, FrameHeader(FrameId("site", "cam", 1, 6), AT, 160, 120, checksum(JPEG)).encode())
    log.frame(7)
    log.frame(8, captured_at=b"0001-01-01T00:00:00+14:00")
    log.ledger(0, 9)
    with working(log.kafka):
        messages = log.read(EVENTS, lambda got: any(isinstance(m, Ledger) for m in got) and len(got) >= 10)
        letters = log.read(DEAD_LETTERS, lambda got: len(got) >= 9)
    account = Account()
    for message in messages:
        account.add(message)
    total = account.total()
    assert (total.captured, total.observed, total.dead_lettered, total.missing) == (9, 2, 7, 0)
    assert sorted(letter.reason for letter in letters if not letter.foreign) == sorted(
        ["checksum", "empty", "truncated", "dimensions", "headers", "headers", "key"]
    )
    assert sorted(letter.reason for letter in letters if letter.foreign) == ["schema", "type"]
    assert all(isinstance(letter, DeadLetter) and letter.headers is not None for letter in letters)
    stubs = {message.seq: message.reason for message in messages if isinstance(message, Stub)}
    assert stubs == {1: "checksum", 2: "empty", 3: "truncated", 4: "dimensions", 5: "headers", 6: "key", 8: "headers"}


def test_what_is_too_large_or_too_odd_to_be_told_of_stops_nobody(log: Log) -> None:
    """Keys, names and headers of megabytes, which no record of ours could repeat; times at which nothing was."""
    huge = b"x" * (3 * 2**20)
    ledger = Ledger(
        site="site", camera="cam", session=1, written_at=AT, covers_from=AT, covers_to=AT, first_seq=0, next_seq=1,
        expected=1, state="up",
    )  # fmt: skip
    odd = json.loads(ledger.encode())
    log.frame(0)
    log.send(huge.decode(), JPEG, [])
    log.send("site/cam", JPEG, [*header(1).encode(), ("scripted", huge)])
    log.frame(2, captured_at=huge)
    log.frame(3, ce_type=huge)
    log.send("site/cam", JPEG, [*header(4).encode(), ("camera", huge)])
    log.send("site/cam", JPEG, [*header(5).encode(), ("camera", b"x" * 1000)])
    log.frame(6, captured_at=b"9999-12-31T23:59:59.999999+00:00")
    log.frame(7, crc=b"00000000", captured_at=b"3000-01-01T00:00:00+00:00")
    for changes in (
        {"covers_to": "2026-01-01T00:00:00"},
        {"covers_from": "1980-01-01T00:00:00Z"},
        {"covers_to": "9999-01-01T00:00:00Z"},
        {"reason": huge.decode()},
    ):
        log.send("site/cam", json.dumps({**odd, **changes}).encode(), [("ce_type", b"emostream.ledger.v1")])
    log.frame(8)
    log.ledger(0, 9)
    with working(log.kafka):
        messages = log.read(EVENTS, lambda got: any(isinstance(m, Ledger) for m in got) and len(got) >= 8)
        letters = log.read(DEAD_LETTERS, lambda got: len(got) >= 12)
    fates = {message.seq: type(message) for message in messages if not isinstance(message, Ledger)}
    assert fates == {0: Observation, 8: Observation, **dict.fromkeys((1, 2, 3, 6, 7), Stub)}
    assert sum(isinstance(message, Ledger) for message in messages) == 1
    assert all(message.captured_at < datetime.now(UTC) for message in messages if isinstance(message, Stub))
    assert Counter(letter.reason for letter in letters) == {
        "headers": 5, "value": 6, "too_large": 1,
    }  # fmt: skip


def test_a_frame_that_stands_there_twice_is_observed_once(log: Log) -> None:
    for seq in [*range(20), 19, *range(10, 30), 0]:
        log.frame(seq)
    log.frame(30, crc=b"00000000")  # a copy that was spoilt is no observation
    log.frame(30)
    log.ledger(0, 31)
    with working(log.kafka):
        messages = log.read(EVENTS, lambda got: any(isinstance(m, Ledger) for m in got))
    assert [message.seq for message in messages if isinstance(message, Observation)] == list(range(31))


def test_a_camera_that_sees_nothing_says_so(log: Log) -> None:
    rng = np.random.default_rng(0)
    room = np.kron(rng.integers(60, 200, (12, 16, 3)), np.ones((10, 10, 1)))
    for seq in range(300):
        picture = (0 if 100 <= seq < 200 else room) + rng.normal(0, 3, room.shape)
        log.frame(seq, jpeg=cv2.imencode(".jpg", picture.clip(0, 255).astype(np.uint8))[1].tobytes())
    log.ledger(0, 300)
    with working(log.kafka):
        messages = log.read(EVENTS, lambda got: any(isinstance(m, Ledger) for m in got))
        changes = log.read(CAMERA_STATUS, lambda got: len(got) == 2)
    blind = {message.seq for message in messages if isinstance(message, Observation) and message.blind}
    assert {message.blind for message in messages if isinstance(message, Observation)} == {"", "dark"}
    assert blind == set(range(min(blind), max(blind) + 1))
    assert 100 < min(blind) < 200 <= max(blind) < 300
    assert [(change.sight, change.at) for change in changes] == [
        ("dark", AT + timedelta(seconds=min(blind) / 10)),
        ("", AT + timedelta(seconds=(max(blind) + 1) / 10)),
    ]


def test_nothing_is_committed_before_it_is_written(log: Log) -> None:
    """The model is down: nothing comes out, nothing is committed, and reading stops at the bound."""
    for seq in range(200):
        log.frame(seq)
    down = Even(failures=10**9)
    with working(log.kafka, down, inflight_frames=32, commit_seconds=0.05) as worker, Lag(log.kafka) as lag:
        wait_until(lambda: worker.status().inflight >= 32 and worker.status().waiting_for_model)
        loops = worker.status().loops
        wait_until(lambda: worker.status().loops > loops + 50)
        assert worker.status().inflight <= 32
        assert worker.status().written == 0
        assert lag.records() == 200
        down.failures = 0
        messages = log.read(EVENTS, observed(200))
        wait_until(lambda: lag.records() == 0)
    assert [message.seq for message in messages] == list(range(200))


def test_a_worker_that_is_stopped_leaves_the_rest_to_the_next(log: Log) -> None:
    for seq in range(300):
        log.frame(seq)
    log.ledger(0, 300)
    with working(log.kafka) as worker:
        wait_until(lambda: worker.status().written > 20)
    with working(log.kafka, instance="0"):
        messages = log.read(EVENTS, lambda got: any(isinstance(m, Ledger) for m in got))
    account = Account()
    for message in messages:
        account.add(message)
    assert (account.total().observed, account.total().missing) == (300, 0)
    assert account.duplicates == 0  # it committed all that it had written


def test_frames_that_expired_unread_are_counted(log: Log) -> None:
    from kafka import TopicPartition

    from pipeline.kafka.clients import admin

    log.frame(0)
    with working(log.kafka), Lag(log.kafka) as lag:
        log.read(EVENTS, observed(1))
        wait_until(lambda: lag.records() == 0)
    for seq in range(1, 10):
        log.frame(seq)
    log.producer.flush()
    with Lag(log.kafka) as lag:
        (partition,) = [at for at, offset in lag.committed().items() if offset]
    client = admin(log.kafka)
    client.delete_records({TopicPartition(partition.topic, partition.partition): 8})
    client.close()
    with working(log.kafka):
        messages = log.read(EVENTS, observed(3))
    account = Account()
    for message in messages:
        account.add(message)
    total = account.total()
    assert (total.captured, total.observed, total.dropped, total.missing) == (10, 3, {"expired": 7}, 0)
    gap = next(message for message in messages if isinstance(message, Ledger))
    assert gap.dropped == {"expired": [SeqRange(first=0, last=7)]}
