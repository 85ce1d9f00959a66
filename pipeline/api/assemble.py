"""The API's parts as they are in earnest: on the Kafka and the model of the settings."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from pipeline.access import Access
from pipeline.aggregate import ask
from pipeline.api.checks import checks
from pipeline.api.parts import Parts
from pipeline.cameras.registry import CameraRegistry
from pipeline.capture.desired import spec_of
from pipeline.capture.probe import Probed, probe
from pipeline.kafka.audit import AuditLog
from pipeline.kafka.clients import reachable
from pipeline.messages import DesiredCamera
from pipeline.metrics import Metrics
from pipeline.rollout import asking
from pipeline.rollout.registry import RolloutRegistry
from pipeline.settings import KafkaSettings, Settings
from pipeline.watch.follow import Follower


class AskKafka:
    """See pipeline.api.parts.Asking."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.acknowledge = partial(ask.acknowledge, kafka)
        self.silence = partial(ask.silence, kafka)
        self.forget = partial(ask.forget, kafka)


class AskModels:
    """See pipeline.api.parts.Models."""

    def __init__(self, settings: Settings, registry: RolloutRegistry) -> None:
        self.live = partial(asking.live, settings.classify)
        self.candidate = partial(asking.candidate, settings.classify)
        self.put = registry.put


@contextmanager
def assembled(settings: Settings, metrics: Metrics) -> Iterator[Parts]:
    """Raises UsageError where access would be open to others."""

    def measure(route: str, status: int, seconds: float) -> None:
        metrics.api_requests.labels(route, status).inc()
        metrics.api_duration.labels(route).observe(seconds)

    kafka = settings.kafka
    access = Access.of(settings.api)
    with (
        Follower.of(settings, pictures=False) as follower,
        CameraRegistry(kafka, settings.site) as registry,
        RolloutRegistry(kafka, settings.site) as rollouts,
        AuditLog(kafka) as audit,
    ):
        yield Parts(
            settings=settings,
            access=access,
            watched=follower,
            registry=registry,
            asking=AskKafka(kafka),
            models=AskModels(settings, rollouts),
            audit=audit.write,
            there=partial(reachable, kafka),
            checks=checks(settings, lambda: follower.feed),
            probe=partial(_picture, settings),
            measure=measure,
            now=lambda: datetime.now(UTC),
            clock=time.monotonic,
        )


def _picture(settings: Settings, camera: DesiredCamera) -> Probed:
    return probe(spec_of(camera, os.environ), settings)
