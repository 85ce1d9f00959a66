"""The clients' settings and precautions, on a real Kafka."""

from __future__ import annotations

import logging
import time

import pytest

from pipeline.errors import DependencyError
from pipeline.kafka.clients import consumer, subscribe
from pipeline.settings import KafkaSettings
from pipeline.topics import FRAMES, name

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
