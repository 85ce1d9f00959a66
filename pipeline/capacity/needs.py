"""What a workload needs, by what it costs. Pure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.capacity.costs import Costs, Rates
from pipeline.capacity.workload import Workload
from pipeline.settings import KafkaSettings
from pipeline.topics import ALERTS, AUDIT, DEAD_LETTERS, FRAMES, plan

MIB, GB = 2**20, 1e9
DAY = 24 * 3600
PARTITIONS_AN_ANALYZER = 4  # cameras fall on partitions by chance: few of them would leave some analyzers idle
SAFE_REPLICATION = 3
BUSY_PARTITION = 5 * MIB  # bytes a second of one partition, well within what a broker's disk and a reader take
SEGMENTS_KEPT = 1.1  # the one that is written to is kept beyond its time


@dataclass(frozen=True)
class Machine:
    """What a server of the site is to be. `network_megabits`, `disk_megabytes`: a second, of one broker."""

    cores: int = 16
    network_megabits: float = 1000.0
    disk_megabytes: float = 100.0


@dataclass(frozen=True)
class Needs:
    """`cores`, `memory_mib`, by part, without the margin; `total_cores`: with it. Network in megabits a second.

    `frames_minutes`: how long analyzers may be away before frames expire: retention is by time and by bytes.
    `gpus`: None where it is not known how much one does; `cores` then counts the model on CPUs.
    """

    workload: Workload
    margin: float
    cores: dict[str, float]
    total_cores: float
    servers: int
    analyzers: int
    aggregators: int
    model_workers: int
    gpus: int | None
    partitions: int
    brokers: int
    replication: int
    frames_minutes: float
    disk_gigabytes: dict[str, float]
    network_megabits: dict[str, float]
    memory_mib: dict[str, float]

    def row(self) -> dict[str, Any]:
        return asdict(self)


def rates_of(workload: Workload, readings: float) -> Rates:
    return Rates(camera=workload.cameras, frame=workload.frames, face=workload.seen, reading=workload.read(readings))


def needs(
    workload: Workload,
    costs: Costs,
    kafka: KafkaSettings,
    *,
    margin: float = 0.3,
    machine: Machine | None = None,
    readings: float | None = None,
    faces_a_gpu: float | None = None,
) -> Needs:
    """`margin`: part of every core, network and GPU that stays free. `readings`: other than measured, see Costs.

    `faces_a_gpu`: faces a second that one reads.
    """
    machine = machine or Machine()
    rates = rates_of(workload, costs.readings if readings is None else readings)
    cores = {part: cost.of(rates) for part, cost in costs.cpu.items()}
    free = 1 - margin
    gpus = None
    if faces_a_gpu is not None:
        gpus = max(1, _up(rates.reading / faces_a_gpu / free))
        cores.pop("model", None)
    analyzers = max(1, _up(cores.get("analyzer", 0.0) / free))  # one core each: its threads wait for each other
    aggregators = max(1, _up(cores.get("aggregate", 0.0) / free))
    workers = 0 if gpus is not None else max(1, _up(cores.get("model", 0.0) / free))
    written = {topic: cost.of(rates) for topic, cost in costs.written.items()}
    partitions = max(kafka.partitions, PARTITIONS_AN_ANALYZER * analyzers, _up(sum(written.values()) / BUSY_PARTITION))
    replication = max(kafka.replication, SAFE_REPLICATION)
    network = _network(written, replication)
    brokers = max(
        replication,
        _up(max(network["to Kafka"], network["from Kafka"]) / machine.network_megabits / free),
        _up(replication * sum(written.values()) / 1e6 / machine.disk_megabytes / free),
    )
    total = sum(cores.values()) / free
    return Needs(
        workload=workload,
        margin=margin,
        cores=cores,
        total_cores=total,
        servers=max(1, _up(total / machine.cores)),
        analyzers=analyzers,
        aggregators=aggregators,
        model_workers=workers,
        gpus=gpus,
        partitions=partitions,
        brokers=brokers,
        replication=replication,
        frames_minutes=_kept_minutes(written.get(FRAMES, 0.0), kafka, partitions),
        disk_gigabytes=_disk(written, kafka, partitions, replication),
        network_megabits=network,
        memory_mib=_memory(costs, workload, analyzers, workers, aggregators, brokers),
    )


def _network(written: dict[str, float], replication: int) -> dict[str, float]:
    """All brokers together. Frames are read once, by the analyzers; all else by aggregate and by page or API."""
    once, all_of_it = written.get(FRAMES, 0.0), sum(written.values())
    into = replication * all_of_it  # the leaders' from the roles, the others' from the leaders
    out = (replication - 1) * all_of_it + once + 2 * (all_of_it - once)
    megabits = 8 / 1e6
    return {"frames": once * megabits, "to Kafka": into * megabits, "from Kafka": out * megabits}


def _kept_minutes(frames: float, kafka: KafkaSettings, partitions: int) -> float:
    """`frames`: bytes a second."""
    by_bytes = partitions * kafka.frames_retention_bytes / frames / 60 if frames else math.inf
    return min(kafka.frames_retention_minutes, by_bytes)


def _disk(written: dict[str, float], kafka: KafkaSettings, partitions: int, replication: int) -> dict[str, float]:
    """Gigabytes by topic, all brokers together, once retention has set in."""
    kept = {}
    topics = plan(kafka)
    for topic, a_second in written.items():
        config = topics[topic].config
        if topic in (ALERTS, AUDIT, DEAD_LETTERS) or "retention.ms" not in config:
            continue  # few and small, however large the site
        seconds = float(config["retention.ms"]) / 1000
        size = a_second * seconds * SEGMENTS_KEPT
        if "retention.bytes" in config:
            size = min(size, partitions * (float(config["retention.bytes"]) + float(config["segment.bytes"])))
        kept[topic] = replication * size / GB
    return kept


def _memory(
    costs: Costs, workload: Workload, analyzers: int, workers: int, aggregators: int, brokers: int
) -> dict[str, float]:
    many = {
        "camera": workload.cameras,
        "analyzer": analyzers,
        "model": workers,
        "aggregate": aggregators,
        "kafka": brokers,
    }
    return {part: mib * many.get(part, 1) for part, mib in costs.memory.items()}


def _up(value: float) -> int:
    return math.ceil(value - 1e-9)
