"""Observations after kill -9 of the analyzer at random moments, at least once and exactly once."""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest
from kafka import TopicPartition

from pipeline.aggregate.account import Account
from pipeline.kafka.clients import consumer
from pipeline.kafka.lag import Lag
from pipeline.local.process import Process
from pipeline.local.roles import write_settings
from pipeline.messages import Observation
from pipeline.settings import KafkaSettings, load
from pipeline.topics import EVENTS, name
from tests.frames import Log, wait_until

FRAMES_EACH, CAMERAS, KILLS = 300, ("a", "b", "c"), 3


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_kills_lose_nothing_and_tracks_go_on(kafka_settings: KafkaSettings, tmp_path: Path, delivery: str) -> None:
    rng = random.Random(delivery)
    analyze = {"commit_seconds": 0.2, "inflight_frames": 32, "reread_seconds": 0.5}
    settings = load(kafka=kafka_settings.model_dump(), analyze=analyze, delivery=delivery)
    file = write_settings(settings, tmp_path)
    log = Log(settings.kafka)
    ends = [*sorted(rng.sample(range(20, FRAMES_EACH), KILLS)), FRAMES_EACH]
    with Lag(settings.kafka) as lag:
        first = 0
        for end in ends:
            command = [sys.executable, "-m", "tests.integration.worker_process", str(file)]
            process = Process("analyzer", command, tmp_path / f"analyzer-{first}.log")
            try:
                for seq in range(first, end):
                    for camera in CAMERAS:
                        log.frame(seq, camera)
                log.producer.flush()
                wait_until(lambda: observed(log) > first * len(CAMERAS))  # noqa: B023
                if end == FRAMES_EACH:
                    wait_until(lambda: lag.records() == 0)
                for part in psutil.Process(process.pid).children(recursive=True):
                    part.kill()
            finally:
                process.stop()
            first = end
    messages = log.read(EVENTS, lambda got: len(set(ids(got))) == FRAMES_EACH * len(CAMERAS))
    log.producer.close()
    account = Account()
    for message in messages:
        account.add(message)
    assert (account.total().observed, account.total().missing) == (FRAMES_EACH * len(CAMERAS), 0)
    if delivery == "exactly_once":
        assert max(Counter(ids(messages)).values()) == 1
        for camera in CAMERAS:
            assert [m.seq for m in messages if m.camera == camera] == list(range(FRAMES_EACH))
    tracks = {camera: {f.track_id for m in messages if m.camera == camera for f in m.faces} for camera in CAMERAS}
    assert all(len(ids_) == 1 for ids_ in tracks.values())
    assert len(set.union(*tracks.values())) == len(CAMERAS)
    assert {face.inferred for message in messages for face in message.faces} == {True, False}


def ids(messages: list[object]) -> list[str]:
    return [message.event_id for message in messages if isinstance(message, Observation)]


def observed(log: Log) -> int:
    """Records on `emotion-events`, and Kafka's marks between them."""
    reader = consumer(log.kafka)
    topic = name(log.kafka, EVENTS)
    partitions = [TopicPartition(topic, number) for number in reader.partitions_for_topic(topic) or ()]
    try:
        return int(sum(reader.end_offsets(partitions).values()))
    finally:
        reader.close()
