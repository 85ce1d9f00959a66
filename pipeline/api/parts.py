"""What the API is made of: parts that are given to it, so that each can be another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipeline.access import Access
from pipeline.aggregate.ask import Target
from pipeline.api.guard import Measure
from pipeline.api.readiness import Check
from pipeline.capture.probe import Probed
from pipeline.messages import AuditRecord, DesiredCamera, Rollout, ServedModel
from pipeline.settings import Settings
from pipeline.watch.follow import Feed
from pipeline.watch.site import SiteView


class Watched(Protocol):
    """What is known of the site, see pipeline.watch.follow.Follower."""

    def reading(self) -> AbstractContextManager[SiteView]: ...

    @property
    def feed(self) -> Feed: ...


class Registry(Protocol):
    """Where the desired cameras are written, see pipeline.cameras.registry. Raises DependencyError."""

    def put(self, camera: DesiredCamera) -> None: ...

    def remove(self, camera_id: str) -> None: ...


class Asking(Protocol):
    """What is asked of the aggregators about alerts, see pipeline.aggregate.ask. Raises DependencyError."""

    def acknowledge(self, alert_id: str, by: str, now: datetime) -> None: ...

    def silence(self, target: Target, until: datetime, by: str, reason: str, now: datetime) -> None: ...

    def forget(self, target: Target, by: str, now: datetime) -> None: ...


class Models(Protocol):
    """What models there are, and where a rollout is written; see pipeline.rollout. Raises EmostreamError."""

    def live(self) -> ServedModel: ...

    def candidate(self, version: str) -> ServedModel: ...

    def put(self, rollout: Rollout) -> None: ...


@dataclass(frozen=True)
class Parts:
    """`probe`: takes a picture, raises SourceError where none comes. `audit`: writes one record. `there`: whether Kafka
    is, asked before anything is written. `clock`: seconds."""

    settings: Settings
    access: Access
    watched: Watched
    registry: Registry
    asking: Asking
    models: Models
    audit: Callable[[AuditRecord], None]
    there: Callable[[], bool]
    probe: Callable[[DesiredCamera], Probed]
    checks: Sequence[Check]
    measure: Measure
    now: Callable[[], datetime]
    clock: Callable[[], float]
