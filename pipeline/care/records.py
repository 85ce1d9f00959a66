"""What Kafka holds of a place: read once, for one report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

from kafka.partitioner import murmur2

from pipeline.care.day import Day
from pipeline.care.summary import Records
from pipeline.care.timeline import Place
from pipeline.errors import UsageError
from pipeline.kafka.audit import written
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import Alert, CameraStatus, Scope, Window
from pipeline.settings import KafkaSettings, Settings
from pipeline.topics import ALERTS, CAMERA_STATUS, WINDOWS


def find(settings: Settings, name: str, day: Day) -> tuple[Place, Records]:
    """A zone of that name, or else a camera: a room is often all that one camera sees.

    Raises UsageError when nothing was ever heard of either, DependencyError without Kafka.
    """
    owners = {scope: f"{scope}/{settings.site}/{name}" for scope in (Scope.ZONE, Scope.CAMERA)}
    windows = _windows(settings.kafka, owners.values())
    zones = {zone.id for zone in settings.zones} | {w.id for w in windows if w.scope is Scope.ZONE}
    scope = Scope.ZONE if name in zones else Scope.CAMERA
    own = [window for window in windows if window.scope is scope]
    statuses = _statuses(settings)
    cameras = {zone.camera for zone in settings.zones if zone.id == name} if scope is Scope.ZONE else {name}
    inside = {zone.id for zone in settings.zones if zone.camera == name} if scope is Scope.CAMERA else set()
    heard = {status.camera for status in statuses}
    if not own and not cameras & heard:
        known = sorted({zone.id for zone in settings.zones} | heard)
        raise UsageError(f"--zone: nothing is known of {name!r}", f"known are {', '.join(known) or 'none'}")
    place = Place(settings.site, scope, name, frozenset(cameras), frozenset(inside))
    return place, Records(own, _alerts(settings), statuses, written(settings.kafka, day.start))


def kept_since(kafka: KafkaSettings, now: dt.datetime) -> dt.datetime:
    """Windows from before may be gone."""
    return now - dt.timedelta(days=kafka.events_retention_days)


def _windows(kafka: KafkaSettings, owners: Collection[str]) -> list[Window]:
    """All windows of some owners, every revision. Only their own partitions are read."""
    keys = tuple(f"{owner}/".encode() for owner in owners)
    numbers = {int(murmur2(owner.encode()) & 0x7FFFFFFF) % kafka.partitions for owner in owners}
    with Reader(kafka, [WINDOWS], numbers) as reader:
        reader.from_beginning()
        records = (record for record in reader.to_end() if (record.key or b"").startswith(keys))
        return [window for window in map(parse, records) if isinstance(window, Window)]


def _alerts(settings: Settings) -> list[Alert]:
    return [alert for alert in _all(settings.kafka, ALERTS) if isinstance(alert, Alert) and alert.site == settings.site]


def _statuses(settings: Settings) -> list[CameraStatus]:
    found = _all(settings.kafka, CAMERA_STATUS)
    return [each for each in found if isinstance(each, CameraStatus) and each.site == settings.site]


def _all(kafka: KafkaSettings, topic: str) -> Iterable[object]:
    with Reader(kafka, [topic]) as reader:
        reader.from_beginning()
        return [parse(record) for record in reader.to_end()]
