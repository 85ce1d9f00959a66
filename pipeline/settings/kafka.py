"""Settings of Kafka and its topics."""

from __future__ import annotations

from pydantic import (
    Field,
)

from pipeline.settings.kafka_security import SecuritySettings
from pipeline.settings.section import Section


class KafkaSettings(Section):
    bootstrap: str = Field("localhost:9092", description="host:port of one or more brokers, comma separated")
    topic_prefix: str = Field("", description="put before every topic name, with a dot")
    partitions: int = Field(12, ge=1, le=4096, description="partitions of `frames` and `emotion-events`; never grows")
    replication: int = Field(1, ge=1, le=9, description="replication factor of topics that are created")
    frames_retention_minutes: float = Field(15, gt=0, description="how long frames are kept")
    previews_retention_minutes: float = Field(5, gt=0, description="how long previews are kept")
    frames_retention_bytes: int = Field(2**30, gt=0, description="bytes of frames kept per partition")
    alerts_retention_days: float = Field(30, gt=0, description="how long alerts are kept")
    events_retention_days: float = Field(7, gt=0, description="how long observations are kept")
    audit_retention_days: float = Field(365, gt=0, description="how long it is kept who changed what")
    group: str = Field("emostream-analyze", description="consumer group of the analyzers")
    aggregate_group: str = Field("emostream-aggregate", description="consumer group of the aggregators")
    capture_group: str = Field(
        "emostream-capture", description="consumer groups of capture, one a site: who runs which added camera"
    )
    security: SecuritySettings = Field(default_factory=SecuritySettings, description="TLS, and who we are there")
    webhooks_group: str = Field("emostream-webhooks", description="consumer groups of the webhooks, one an endpoint")

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each broker that `bootstrap` names; what is no address is left to kafka-python to name."""
        split = [address.strip().rpartition(":") for address in self.bootstrap.split(",")]
        return [(host.strip("[]"), int(port)) for host, _, port in split if port.isdecimal()]
