"""The clients' settings and precautions, on a real Kafka."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator

import psutil
import pytest

from pipeline.errors import DependencyError
from pipeline.kafka import connect, handshake
from pipeline.kafka.clients import admin, consumer, producer, reachable, subscribe
from pipeline.kafka.lag import Lag
from pipeline.kafka.reader import Reader
from pipeline.settings import KafkaSettings
from pipeline.topics import FRAMES, name
from tests.frames import wait_until

PATIENCE = 60.0


def test_a_new_consumer_gets_its_partitions_with_its_first_join(
    kafka_settings: KafkaSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """A join with stale metadata gives none; kafka-python then warns, and may ask again only after minutes."""
    topic = name(kafka_settings, FRAMES)
    caplog.set_level(logging.WARNING, "kafka")
    for number in range(5):
        reader = consumer(kafka_settings, f"{kafka_settings.group}-{number}")
        subscribe(reader, kafka_settings, [topic])
        give_up = time.monotonic() + PATIENCE
        while not reader.assignment():
            assert time.monotonic() < give_up
            reader.poll(timeout_ms=50)
        assert len(reader.assignment()) == kafka_settings.partitions
        reader.close(autocommit=False)
    assert not [line for line in caplog.messages if "No partition metadata" in line]


def test_a_topic_that_is_not_there_is_named(kafka_settings: KafkaSettings) -> None:
    reader = consumer(kafka_settings, kafka_settings.group)
    with pytest.raises(DependencyError, match="topic nowhere does not exist"):
        subscribe(reader, kafka_settings, ["nowhere"])
    reader.close(autocommit=False)


@pytest.fixture
def silent() -> Iterator[str]:
    """A broker's address where connections are taken and nobody says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("first", [0, 1])
def test_a_broker_that_says_nothing_keeps_nobody_from_the_others(
    first: int, silent: str, kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "BOOTSTRAP_MS", 5_000)
    monkeypatch.setattr(connect.random, "randrange", lambda addresses: first)
    settings = kafka_settings.model_copy(update={"bootstrap": f"{silent},{kafka_settings.bootstrap}"})
    reader = consumer(settings)
    assert name(settings, FRAMES) in reader.topics()
    reader.close(autocommit=False)


def test_what_cannot_be_made_leaves_nothing_running(
    silent: str, kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "BOOTSTRAP_MS", 300)
    monkeypatch.setattr(handshake, "SECONDS", 0.3)
    away = kafka_settings.model_copy(update={"bootstrap": silent})
    apart = kafka_settings.model_copy(update={"topic_prefix": "nobody-made-these"})
    process = psutil.Process()
    before = process.num_threads(), process.num_fds()
    for make in (producer, consumer, admin):
        with pytest.raises(DependencyError, match="does not answer"):
            make(away)
    for make in (lambda: Lag(away), lambda: Reader(away, [FRAMES]), lambda: Reader(apart, [FRAMES])):
        with pytest.raises(DependencyError):
            make()
    wait_until(lambda: process.num_threads() <= before[0] and process.num_fds() <= before[1])  # a closed one ends soon


def test_an_address_of_the_sixth_version_is_reached() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert reachable(KafkaSettings(bootstrap=f"[::1]:{server.getsockname()[1]}"))
