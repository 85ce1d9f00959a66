"""The topics: names, partitions, and how long each keeps its records."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.settings import KafkaSettings

FRAMES = "frames"
EVENTS = "emotion-events"
CAMERA_STATUS = "camera-status"
CAMERAS = "cameras"
DEAD_LETTERS = "dead-letters"
PREVIEWS = "previews"
WINDOWS = "emotion-windows"
ALERTS = "emotion-alerts"
STATE = "aggregate-state"
AUDIT = "audit"
ROLES = "roles"
ROLLOUTS = "rollouts"

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
        "cleanup.policy": "delete",
        "retention.ms": _ms(kafka.frames_retention_minutes * 60),
        "retention.bytes": str(kafka.frames_retention_bytes),
        "segment.ms": _ms(60),
        "segment.bytes": str(64 * 2**20),
        "max.message.bytes": str(MAX_RECORD_BYTES),
        "compression.type": "producer",
    }
    previews = {
        "cleanup.policy": "delete",
        "retention.ms": _ms(kafka.previews_retention_minutes * 60),
        "segment.ms": _ms(60),
        "segment.bytes": str(8 * 2**20),
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
        (CAMERAS, kafka.partitions, {"cleanup.policy": "compact", "segment.ms": _ms(day)}),
        (DEAD_LETTERS, few, short),
        (PREVIEWS, few, previews),
        (WINDOWS, kafka.partitions, {**compact, **events}),
        (ALERTS, kafka.partitions, {"retention.ms": _ms(kafka.alerts_retention_days * day)}),
        (STATE, kafka.partitions, state),
        (ROLES, 1, {**compact, **short}),
        (ROLLOUTS, 1, {"cleanup.policy": "compact", "segment.ms": _ms(day)}),
        (AUDIT, 1, {"retention.ms": _ms(kafka.audit_retention_days * day)}),
    ]
    safe = {"message.timestamp.type": "LogAppendTime"}  # Kafka refuses records of a host whose clock is an hour ahead
    if kafka.replication >= 3:  # with acks=all, so that what was acknowledged survives the loss of any one broker
        safe["min.insync.replicas"] = "2"
    return {
        short_name: Topic(name(kafka, short_name), count, _segmented(config) | safe)
        for short_name, count, config in rows
    }


def name(kafka: KafkaSettings, short_name: str) -> str:
    """The topic's name on the broker."""
    return f"{kafka.topic_prefix}.{short_name}" if kafka.topic_prefix else short_name


def _segmented(config: dict[str, str]) -> dict[str, str]:
    """Kafka deletes whole segments, and begins one a week unless it is told otherwise: a tenth of what is kept."""
    tenth = int(config.get("retention.ms", 0)) / 10_000
    return {"segment.ms": _ms(max(60.0, tenth)), **config} if tenth else config


def _ms(seconds: float) -> str:
    return str(int(seconds * 1000))
