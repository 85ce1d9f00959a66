"""`emostream aggregate`: the aggregator, and what goes with it in its process."""

from __future__ import annotations

import threading
from uuid import uuid4

from pipeline.aggregate.service import Aggregator
from pipeline.kafka.clients import RARELY, UNHURRIED, consumer
from pipeline.kafka.depth import Depth
from pipeline.kafka.heartbeat import Heartbeat
from pipeline.kafka.lag import Lag
from pipeline.kafka.outbox import outbox
from pipeline.kafka.reader import Reader
from pipeline.metrics import Metrics, list_targets
from pipeline.rollout.controller import RolloutController
from pipeline.settings import Settings
from pipeline.topics import CAMERA_STATUS
from pipeline.traces import close, start


def run(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set. Raises DependencyError when Kafka does not answer."""
    metrics = Metrics("aggregate")
    metrics.window_grace.labels("aggregate").set(settings.aggregate.grace_seconds)
    port = metrics.serve(settings.metrics.host)
    list_targets(settings.metrics.targets_dir, "aggregate", settings.metrics.host, [port])
    group, member = settings.kafka.aggregate_group, settings.aggregate.member
    reader = consumer(
        settings.kafka,
        group,
        group_instance_id=member and f"{group}-{member}",
        session_timeout_ms=6_000,
        heartbeat_interval_ms=2_000,
        **UNHURRIED,
    )
    writer = outbox(settings, f"{group}-{member or uuid4()}")
    spans = start(settings.traces, "aggregate", member or "")
    with (
        Lag(settings.kafka) as lag,
        Reader(settings.kafka, [CAMERA_STATUS], pace=RARELY) as statuses,
        Depth(settings.kafka, metrics),
        Heartbeat(settings, "aggregate", port, metrics=metrics),
    ):
        try:
            aggregator = Aggregator(settings, reader, statuses, writer, lag, metrics, spans)
            with RolloutController(settings, lambda: aggregator.leads, metrics):
                aggregator.run(stop)
        finally:
            reader.close(autocommit=False, timeout_ms=2000)
            writer.close()
            close(spans)
