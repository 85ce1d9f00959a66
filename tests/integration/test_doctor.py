"""Faults made in a real Kafka, each found with what to do."""

from __future__ import annotations

import time

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from pipeline.kafka.clients import admin, apply_topics
from pipeline.kafka.held import clock_offset
from pipeline.local.doctor import broker
from pipeline.local.doctor.check import Check
from pipeline.local.ports import free_ports
from pipeline.settings import KafkaSettings
from pipeline.topics import plan


def checks(kafka: KafkaSettings) -> dict[str, Check]:
    return {check.name: check for check in broker.checks(kafka)}


def alter(kafka: KafkaSettings, topic: str, **config: str) -> None:
    client = admin(kafka)
    values = {key.replace("_", "."): value for key, value in config.items()}
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, plan(kafka)[topic].name, values)])
    client.close()


def once_told(kafka: KafkaSettings, said: str) -> Check:
    """A broker knows a change of topics only some moments after it was told."""
    give_up = time.monotonic() + 30
    while said not in (found := checks(kafka)["topics"]).detail:
        assert time.monotonic() < give_up, found
    return found


def test_all_is_well(kafka_settings: KafkaSettings) -> None:
    assert {name: check.status for name, check in checks(kafka_settings).items()} == {
        "broker": "ok",
        "topics": "ok",
        "clock": "ok",
    }


def test_a_broker_that_is_not_there() -> None:
    found = checks(KafkaSettings(bootstrap=f"127.0.0.1:{free_ports(1)[0]}"))
    assert list(found) == ["broker"]
    assert found["broker"].failed
    assert "kafka.bootstrap" in found["broker"].hint


def test_topics_that_are_missing(kafka: str, kafka_settings: KafkaSettings) -> None:
    none = KafkaSettings(bootstrap=kafka, topic_prefix=f"{kafka_settings.topic_prefix}-none", partitions=1)
    assert checks(none)["topics"].status == "warn"
    apply_topics(none)
    client = admin(none)
    client.delete_topics([plan(none)["emotion-alerts"].name])
    client.close()
    found = once_told(none, "emotion-alerts is missing")
    assert found.failed
    assert "topics apply" in found.hint


@pytest.mark.parametrize(
    ("topic", "config", "status", "said"),
    [
        ("frames", {"retention_ms": "604800000"}, "fail", "keeps its records for 7\N{NO-BREAK SPACE}days"),
        ("frames", {"retention_ms": "-1"}, "fail", "keeps its records for ever"),
        ("frames", {"retention_ms": "60000"}, "warn", "1\N{NO-BREAK SPACE}minute"),
        ("frames", {"segment_ms": "604800000"}, "fail", "segment.ms is 604800000, planned 60000"),
        ("previews", {"cleanup_policy": "compact"}, "fail", "cleanup.policy is compact, planned delete"),
        ("emotion-events", {"retention_ms": "-1"}, "warn", "keeps its records for ever"),
        ("emotion-events", {"compression_type": "snappy"}, "fail", "compressed with snappy"),
        ("emotion-windows", {"cleanup_policy": "delete"}, "warn", "cleanup.policy is delete"),
    ],
)
def test_topics_that_are_not_as_planned(
    topic: str, config: dict[str, str], status: str, said: str, kafka_settings: KafkaSettings
) -> None:
    alter(kafka_settings, topic, **config)
    found = once_told(kafka_settings, said)
    assert found.status == status
    assert "`emostream topics apply`" in found.hint


def test_other_partitions_than_the_settings_say(kafka_settings: KafkaSettings) -> None:
    found = checks(kafka_settings.model_copy(update={"partitions": 2}))["topics"]
    assert "partitions is 3, planned 2" in found.detail
    assert "kafka.partitions" in found.hint


@pytest.mark.parametrize(("ahead", "status"), [(0.0, "ok"), (5.0, "warn"), (-120.0, "fail")])
def test_a_clock_that_is_wrong(ahead: float, status: str, kafka_settings: KafkaSettings) -> None:
    found = broker._clock(kafka_settings, lambda: time.time() + ahead)
    assert found.status == status
    assert not ahead or "NTP" in found.hint


@pytest.mark.parametrize("ahead", [0.0, 5.0, -120.0])
def test_a_clock_is_as_far_off_as_is_told(ahead: float, kafka_settings: KafkaSettings) -> None:
    offset = clock_offset(kafka_settings, lambda: time.time() + ahead)
    assert abs(offset.seconds - ahead) <= offset.uncertainty  # Kafka is on this machine
