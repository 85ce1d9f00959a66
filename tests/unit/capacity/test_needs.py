"""What a workload needs, by what it costs."""

from __future__ import annotations

import pytest

from pipeline.capacity.costs import Cost, Costs
from pipeline.capacity.needs import Machine, Needs, needs
from pipeline.capacity.workload import Workload
from pipeline.settings import KafkaSettings

COSTS = Costs(
    at="2026-01-01T00:00:00+00:00",
    machine="x86_64",
    cores=2,
    width=1280,
    height=720,
    detector="yunet",
    model="emonext",
    readings=2.0,
    cpu={
        "camera": Cost(frame=0.004),
        "analyzer": Cost(always=0.1, frame=0.005, face=0.0005),
        "model": Cost(always=0.01, reading=0.002),
        "aggregate": Cost(always=0.01, frame=0.0002, face=0.0001),
    },
    written={"frames": Cost(camera=300, frame=60_000), "emotion-events": Cost(frame=800, face=700)},
    memory={"camera": 60, "analyzer": 400, "kafka": 300},
    measured=[],
)
KAFKA = KafkaSettings()


def asked(cameras: int = 120, **options: object) -> Needs:
    return needs(Workload(cameras, 10, 3), COSTS, KAFKA, **options)  # type: ignore[arg-type]


def test_cores_are_a_sum_with_a_margin() -> None:
    found = asked(margin=0.5)
    assert found.cores["camera"] == pytest.approx(4.8)
    assert found.cores["analyzer"] == pytest.approx(0.1 + 6 + 1.8)
    assert found.cores["model"] == pytest.approx(0.01 + 120 * 3 * 2 * 0.002)  # read twice a second, not ten times
    assert found.total_cores == pytest.approx(2 * sum(found.cores.values()))
    assert found.servers == -(-found.total_cores // 16)
    assert found.analyzers == 16
    assert found.partitions >= 4 * found.analyzers


def test_gpus_take_the_model_off_the_cores() -> None:
    found = asked(12_000, faces_a_gpu=20_000, margin=0.3)
    assert found.gpus == 6  # 72,000 faces/s over 14,000
    assert "model" not in found.cores
    assert found.model_workers == 0
    assert asked().gpus is None


def test_disk_is_what_retention_keeps_three_times() -> None:
    found = asked(20)
    a_second = 20 * 300 + 200 * 60_000
    assert found.disk_gigabytes["frames"] == pytest.approx(3 * a_second * 15 * 60 * 1.1 / 1e9)
    week = 7 * 24 * 3600
    assert found.disk_gigabytes["emotion-events"] == pytest.approx(3 * 1.1 * week * (200 * 800 + 600 * 700) / 1e9)
    assert found.frames_minutes == 15


def test_frames_on_disk_are_bounded_by_their_bytes() -> None:
    few = KafkaSettings(frames_retention_bytes=2**20, partitions=4)
    small = needs(Workload(10, 10, 0), COSTS, few)
    assert small.disk_gigabytes["frames"] < 3 * small.partitions * (2**20 + 64 * 2**20 + 1) / 1e9
    assert small.frames_minutes == pytest.approx(small.partitions * 2**20 / (10 * 300 + 100 * 60_000) / 60)


def test_brokers_follow_what_one_can_carry() -> None:
    assert asked(60).brokers == 3
    assert asked(60, machine=Machine(network_megabits=100)).brokers == 14
    assert asked(60, machine=Machine(disk_megabytes=10)).brokers == 17


@pytest.mark.parametrize("cameras", [1, 10, 100, 1000])
def test_more_cameras_never_need_less(cameras: int) -> None:
    less, more = asked(cameras), asked(2 * cameras)
    assert more.total_cores > less.total_cores
    assert more.partitions >= less.partitions
    assert more.brokers >= less.brokers
    assert sum(more.memory_mib.values()) > sum(less.memory_mib.values())
