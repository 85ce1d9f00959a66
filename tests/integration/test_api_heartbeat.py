"""Signs of life on a real Kafka, and without one."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from pipeline.kafka import heartbeat
from pipeline.kafka.heartbeat import Heartbeat
from pipeline.kafka.reader import Reader, parse
from pipeline.local.ports import free_ports
from pipeline.messages import RoleState, RoleStatus
from pipeline.metrics import Metrics
from pipeline.settings import KafkaSettings, load
from pipeline.topics import ROLES

PATIENCE = 30.0
AHEAD = 7.0


def test_a_process_tells_that_it_lives_and_that_it_ends(kafka_settings: KafkaSettings) -> None:
    settings = load(site="here", kafka=kafka_settings.model_dump(), metrics={"host": "127.0.0.1"})
    metrics = Metrics("aggregate", CollectorRegistry())
    waiting = RoleState.WAITING, "for the model"
    told: list[RoleStatus] = []
    with Reader(kafka_settings, [ROLES]) as reader:
        reader.from_beginning()

        def read_until(state: RoleState) -> RoleStatus:
            give_up = time.monotonic() + PATIENCE
            while not told or told[-1].state is not state:
                assert time.monotonic() < give_up, told
                told.extend(record for record in map(parse, reader.poll(0.2)) if isinstance(record, RoleStatus))
            return told[-1]

        with Heartbeat(settings, "aggregate", 9000, "a-1", lambda: waiting, metrics):
            first = read_until(RoleState.WAITING)
            assert (first.key, first.site, first.metrics, first.detail) == (
                "aggregate/a-1",
                "here",
                "127.0.0.1:9000",
                "for the model",
            )
        last = read_until(RoleState.STOPPED)
    assert last.started_at == first.started_at
    assert last.at - first.at < timedelta(seconds=PATIENCE)
    answers = metrics.registry.get_sample_value("emostream_kafka_answers_total", {"role": "aggregate"})
    assert answers == len(told) >= 2


def test_a_process_tells_its_hosts_clock(kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka is on this machine: what the clock that is given is ahead is what is told, as closely as it says."""
    monkeypatch.setattr(heartbeat, "EVERY_SECONDS", 0.2)
    settings = load(site="here", kafka=kafka_settings.model_dump())
    metrics = Metrics("capture", CollectorRegistry())
    give_up = time.monotonic() + PATIENCE
    told: list[RoleStatus] = []
    with (
        Reader(kafka_settings, [ROLES]) as reader,
        Heartbeat(settings, "capture", 0, "c-1", metrics=metrics, clock=lambda: time.time() + AHEAD),
    ):
        reader.from_beginning()
        while not told or told[-1].clock is None:
            assert time.monotonic() < give_up, told
            told.extend(record for record in map(parse, reader.poll(0.2)) if isinstance(record, RoleStatus))
    assert told[0].clock is None
    offset = told[-1].clock
    assert offset is not None
    assert offset.uncertainty > 0
    assert abs(offset.seconds - AHEAD) <= offset.uncertainty
    shown = {
        each: metrics.registry.get_sample_value(f"emostream_clock_offset{each}_seconds", {"role": "capture"})
        for each in ("", "_uncertainty")
    }
    assert abs((shown[""] or 0.0) - AHEAD) <= (shown["_uncertainty"] or 0.0)


def test_without_kafka_nobody_is_held_up() -> None:
    settings = load(kafka={"bootstrap": f"127.0.0.1:{free_ports(1)[0]}"})
    beat = Heartbeat(settings, "aggregate", 0)
    with beat:
        pass
    assert beat._sent is None


def test_where_others_reach_what_listens_everywhere() -> None:
    kafka = KafkaSettings(bootstrap="127.0.0.1:9092")
    assert heartbeat.reached_at("0.0.0.0", kafka) == "127.0.0.1"
    assert heartbeat.reached_at("10.0.0.7", kafka) == "10.0.0.7"
