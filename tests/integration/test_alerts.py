"""Alerts of the real process on a real Kafka: killed at random moments, and asked things by people."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from pipeline.aggregate.aggregator import EventsPartition, StatePartition
from pipeline.aggregate.ask import Target, newest
from pipeline.aggregate.service import policy, rules
from pipeline.aggregate.state import PanesRecord
from pipeline.console.alerts import acknowledge, forget, silence
from pipeline.errors import UsageError
from pipeline.kafka.clients import producer
from pipeline.kafka.reader import Reader, parse
from pipeline.local.roles import role, write_settings
from pipeline.messages import Alert, AlertState, CameraState, CameraStatus, ClearedBy, Message, Scope, headers_of
from pipeline.settings import KafkaSettings, Settings, load
from pipeline.topics import ALERTS, CAMERA_STATUS, EVENTS, name
from pipeline.zones import Zones
from tests.records import START, busy_log, face, ledger, observed

PATIENCE = 60.0
CAMERAS = ("a", "b", "c")


def settings_of(kafka: KafkaSettings) -> Settings:
    return load(
        kafka={**kafka.model_dump(), "aggregate_group": f"{kafka.group}-aggregate"},
        site="site",
        aggregate={"windows": [{"seconds": 20}], "grace_seconds": 20, "commit_seconds": 0.05, "idle_seconds": 3600},
        alerts=[
            {"id": "sad", "window": "20s", "expressions": ["sad"], "above": 0.5, "clear": 0.3, "min_told": 3},
            {"id": "often", "window": "20s", "expressions": ["sad", "fear"], "above": 1, "min_told": 1,
             "against": "baseline", "baseline_windows": 3},
            {"id": "all", "scope": "site", "window": "20s", "expressions": ["sad"], "above": 0.4, "min_told": 3},
        ],
        no_data={"for_seconds": 40, "clear_for_seconds": 20, "group_at": 2},
    )  # fmt: skip


class Events:
    """Writes records of cameras that all were up."""

    def __init__(self, settings: Settings) -> None:
        self._kafka = settings.kafka
        self._writer = producer(settings.kafka)
        for camera in CAMERAS:
            status = CameraStatus(site="site", camera=camera, session=1, at=START, state=CameraState.UP)
            self._writer.send(
                name(self._kafka, CAMERA_STATUS), status.encode(), status.key.encode(), headers_of(status)
            )

    def write(self, messages: Sequence[Message]) -> None:
        for message in messages:
            topic = name(self._kafka, EVENTS)
            key = f"{message.site}/{message.camera}".encode()
            self._writer.send(topic, message.encode(), key, headers_of(message))
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class Watch:
    """The alerts told so far, by alert and update. What is told twice must be told alike."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._reader = Reader(kafka, [ALERTS])
        self._reader.from_beginning()
        self.alerts: dict[str, Alert] = {}

    def until(self, condition: Callable[[], bool]) -> None:
        give_up = datetime.now(UTC) + timedelta(seconds=PATIENCE)
        while not condition():
            for record in self._reader.poll(0.1):
                alert = parse(record)
                assert isinstance(alert, Alert)
                assert self.alerts.setdefault(alert.event_id, alert) == alert
            assert datetime.now(UTC) < give_up, f"{len(self.alerts)} alerts"

    def last(self, **wanted: object) -> Alert | None:
        """The newest of those with these values."""
        found = [a for a in self.alerts.values() if all(getattr(a, key) == value for key, value in wanted.items())]
        return found[-1] if found else None


def expected(settings: Settings, log: Sequence[Message]) -> dict[str, Alert]:
    """What is told of the log, by the core alone."""
    events = EventsPartition(policy(settings.aggregate), Zones([]))
    scopes = StatePartition(policy(settings.aggregate), rules=rules(settings))
    told: dict[str, Alert] = {}
    for offset, message in enumerate(log):
        for panes in events.add(message, offset, START):
            if isinstance(panes, PanesRecord):
                awaited = CAMERAS if panes.scope is Scope.SITE else ()
                told |= {made.event_id: made for made in scopes.add(panes, awaited) if isinstance(made, Alert)}
    return told


def test_alerts_after_kills_are_those_of_the_log(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    rng = random.Random(5)
    settings = settings_of(kafka_settings)
    file = write_settings(settings, tmp_path)
    logs = {camera: busy_log(camera, 5, stops=0) for camera in CAMERAS}
    log: list[Message] = []
    while any(logs.values()):
        log.append(logs[rng.choice([camera for camera in CAMERAS if logs[camera]])].pop(0))
    want = expected(settings, log)
    assert {alert.rule for alert in want.values()} == {"sad", "often", "all", "no-data"}
    events, watch = Events(settings), Watch(settings.kafka)
    parts = [log[at : at + len(log) // 5 + 1] for at in range(0, len(log), len(log) // 5 + 1)]
    for part in parts:
        known = {*watch.alerts, *expected(settings, log[: log.index(part[0])])}
        due = expected(settings, [*log[: log.index(part[0])], *part]).keys() - known
        with role("aggregate", file, tmp_path) as running:
            events.write(part)
            if part is parts[-1]:
                watch.until(lambda: watch.alerts.keys() >= want.keys())
            else:
                watch.until(lambda due=due: not due or bool(due & watch.alerts.keys()))  # type: ignore[misc]
                for process in psutil.Process(running.pid).children(recursive=True):
                    process.kill()
    events.close()
    assert watch.alerts == want


def test_what_people_ask_is_done_and_outlives_a_restart(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    settings = settings_of(kafka_settings)
    file = write_settings(settings, tmp_path)
    events, watch = Events(settings), Watch(settings.kafka)
    frames = {camera: iter(range(10_000)) for camera in CAMERAS}

    def see(since: int, until: int, mood: str) -> None:
        for camera in CAMERAS:
            for start in range(since, until, 10):
                faces = [face(mood if camera == "a" else "neutral")]
                seconds = [start + n for n in range(10)]
                events.write([observed(next(frames[camera]), s + 0.5, faces, camera=camera) for s in seconds])
                events.write([ledger(start, start + 10, 10, camera)])

    with role("aggregate", file, tmp_path):
        see(0, 60, "sad")
        watch.until(lambda: watch.last(rule="sad") is not None)
        [raised] = [alert for alert in newest(settings.kafka).values() if alert.rule == "sad"]
        assert (raised.state, raised.owner) == (AlertState.RAISED, "camera/site/a")
        with pytest.raises(UsageError, match="no alert 'zzz'"):
            acknowledge(settings, "zzz", "Ada")
        assert "is acknowledged: sad: apparent sad" in acknowledge(settings, raised.alert_id[:8], "Ada")
        assert "by Ada already" in acknowledge(settings, raised.alert_id, "Bob")
        see(60, 100, "neutral")
        watch.until(lambda: watch.last(rule="sad", state=AlertState.CLEARED) is not None)
        with pytest.raises(UsageError, match="is cleared already"):
            acknowledge(settings, raised.alert_id, "Ada")
        with pytest.raises(UsageError, match=r"no aggregator of elsewhere is known .* only of site"):
            silence(settings.model_copy(update={"site": "elsewhere"}), Target("elsewhere", id="a"), "1h", "Bob", "")
        assert "alerts of rule sad of a silenced until" in silence(
            settings, Target("site", "sad", None, "a"), "1h", "Bob", "washing"
        )
    with role("aggregate", file, tmp_path):
        see(100, 160, "sad")
        watch.until(lambda: watch.last(rule="sad", state=AlertState.RAISED) != raised)
        again = watch.last(rule="sad", state=AlertState.RAISED)
        assert again is not None
        assert (again.silenced, again.silenced_by) == (True, "Bob")
        forget(settings, Target("site", "sad", Scope.CAMERA, "a"), "Eve")
        watch.until(lambda: watch.last(rule="sad", cleared_by=ClearedBy.FORGOTTEN) is not None)
    events.close()
    [cleared] = [a for a in watch.alerts.values() if a.alert_id == raised.alert_id and a.state is AlertState.CLEARED]
    assert (cleared.acknowledged_by, cleared.cleared_by) == ("Ada", ClearedBy.DATA)
