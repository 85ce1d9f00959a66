"""The topics: names, partitions, and how long each keeps its records."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.settings import KafkaSettings

FRAMES = "frames"
EVENTS = "emotion-events"
CAMERA_STATUS = "camera-status"
DEAD_LETTERS = "dead-letters"
WINDOWS = "emotion-windows"
STATE = "aggregate-state"

MAX_RECORD_BYTES = 12 * 2**20  # largest frame that travels, with its headers


@dataclass(frozen=True)
class Topic:
    """A topic as the broker is to hold it. `config`: Kafka's topic settings."""

    name: str
    partitions: int
    config: dict[str, str]


def plan(kafka: KafkaSettings) -> dict[str, Topic]:
    """Every topic by its short name."""
    day = 24 * 3600.0
    few = min(kafka.partitions, 3)
    frames = {
        "retention.ms": _ms(kafka.frames_retention_minutes * 60),
        "retention.bytes": str(kafka.frames_retention_bytes),
        "segment.ms": _ms(60),
        "segment.bytes": str(64 * 2**20),
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(MAX_RECORD_BYTES),
        "compression.type": "producer",
    }
    events = {"retention.ms": _ms(kafka.events_retention_days * day)}
    short = {"retention.ms": _ms(day)}
    compact = {"cleanup.policy": "compact,delete", "min.compaction.lag.ms": _ms(day / 24)}
    state = {**compact, "retention.ms": _ms(day), "segment.ms": _ms(day / 24)}
    rows = [
        (FRAMES, kafka.partitions, frames),
        (EVENTS, kafka.partitions, events),
        (CAMERA_STATUS, few, events),
        (DEAD_LETTERS, few, short),
        (WINDOWS, kafka.partitions, {**compact, **events}),
        (STATE, kafka.partitions, state),
    ]
    return {short_name: Topic(name(kafka, short_name), count, config) for short_name, count, config in rows}


def name(kafka: KafkaSettings, short_name: str) -> str:
    """The topic's name on the broker."""
    return f"{kafka.topic_prefix}.{short_name}" if kafka.topic_prefix else short_name


def _ms(seconds: float) -> str:
    return str(int(seconds * 1000))
