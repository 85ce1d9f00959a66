"""`emostream aggregate` on a real Kafka, killed at random moments, against the pure core on the same log."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from kafka import KafkaProducer

from pipeline.aggregate.alerts.commands import Silence
from pipeline.aggregate.panes import WHOLE, CameraPanes
from pipeline.aggregate.service import policy
from pipeline.aggregate.summary import summary
from pipeline.aggregate.windows import ScopeWindows
from pipeline.kafka.clients import producer
from pipeline.kafka.reader import Reader, parse
from pipeline.local.roles import role, write_settings
from pipeline.messages import CameraState, CameraStatus, Message, Record, Scope, Window, headers_of
from pipeline.settings import KafkaSettings, Settings, load
from pipeline.topics import CAMERA_STATUS, EVENTS, STATE, WINDOWS, name
from tests.records import START, camera_log, face, ledger, observed

PATIENCE = 60.0
CAMERAS = ("a", "b", "c")
Windows = dict[tuple[str, int], Window]


def settings_of(kafka: KafkaSettings, delivery: str = "at_least_once", **changes: object) -> Settings:
    windows = [{"seconds": 20}, {"seconds": 30, "every_seconds": 10}]
    values = {"windows": windows, "grace_seconds": 20, "commit_seconds": 0.05, "idle_seconds": 3600, **changes}
    kafka = kafka.model_copy(update={"aggregate_group": f"{kafka.group}-aggregate"})
    return load(kafka=kafka.model_dump(), aggregate=values, delivery=delivery)


def expected(settings: Settings, log: Sequence[Message]) -> Windows:
    """What is told of the site and of each camera, by the core alone."""
    chosen = policy(settings.aggregate)
    found: Windows = {}
    scopes = [(Scope.SITE, "site", CAMERAS), *((Scope.CAMERA, camera, [camera]) for camera in CAMERAS)]
    for scope, name_, cameras in scopes:
        panes = {camera: CameraPanes(chosen.grace) for camera in cameras}
        windows = ScopeWindows(chosen)
        for camera in cameras:
            windows.expect(camera)
        for offset, message in enumerate(message for message in log if message.camera in cameras):
            tick = panes[message.camera].add(message, offset)
            for start, pane in tick.panes.items() if tick else ():
                windows.pane(message.camera, start, tick.as_of, copy.deepcopy(pane[WHOLE]))
            for told in windows.reached(message.camera, tick.reached, tick.gone, tick.over) if tick else ():
                window = summary(told, scope, "site", name_)
                found[window.key, window.revision] = window
    return found


class Watch:
    """The windows told so far. What is told twice must be told alike."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._reader = Reader(kafka, [WINDOWS])
        self._reader.from_beginning()
        self.windows: Windows = {}
        self.records = 0

    def until(self, condition: Callable[[], bool]) -> None:
        give_up = datetime.now(UTC) + timedelta(seconds=PATIENCE)
        while not condition():
            for record in self._reader.poll(0.1):
                self.records += 1
                window = parse(record)
                assert isinstance(window, Window)
                assert self.windows.setdefault((window.key, window.revision), window) == window
            assert datetime.now(UTC) < give_up, f"{len(self.windows)} windows"

    def of(self, scope: Scope) -> Windows:
        return {key: window for key, window in self.windows.items() if window.scope is scope}


def poison(writer: KafkaProducer, kafka: KafkaSettings) -> None:
    """Records that nobody can count or merge, on every topic that it reads."""
    seen, promised = observed(5000, 900, [face("sad")], camera="a"), ledger(0, 1, 5, camera="a")
    silence = Silence(at=START, by="x", until=START)
    spoilt: list[tuple[Record, dict[str, object]]] = [
        (seen, {"captured_at": "2026-01-01T00:15:00"}),
        (seen, {"captured_at": "9999-12-31T23:59:59Z"}),
        (seen, {"faces": [{**seen.faces[0].model_dump(mode="json"), "label": "bored"}]}),
        (promised, {"covers_to": "9999-12-31T23:59:59Z"}),
        (promised, {"expected": 1e300}),
    ]
    for record, changes in spoilt:
        value = json.dumps({**record.model_dump(mode="json"), **changes}).encode()
        writer.send(name(kafka, EVENTS), value, b"site/a", headers_of(record))
    for key, value in (
        (b"panes/site/site/a", b"{}"),
        (b"windows/site/site/site", b"null"),
        (silence.key.encode(), json.dumps({**json.loads(silence.encode()), "until": "2026-01-01T00:15:00"}).encode()),
    ):
        writer.send(name(kafka, STATE), value, key, partition=0)
    for topic in (EVENTS, CAMERA_STATUS):
        writer.send(name(kafka, topic), b"\xff" * 100, b"\xff", [("ce_type", b"\xff")])
        writer.send(name(kafka, topic), None, b"x", [("ce_type", b"emostream.observation.v1")])


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_windows_after_kills_are_those_of_the_log(kafka_settings: KafkaSettings, tmp_path: Path, delivery: str) -> None:
    rng = random.Random(11)
    settings = settings_of(kafka_settings, delivery, member="0")
    file = write_settings(settings, tmp_path)
    logs = {
        camera: [*camera_log(camera, 3), *(observed(1000 + n, 400 + n, camera=camera) for n in range(100))]
        for camera in CAMERAS
    }
    log: list[Message] = []
    while any(logs.values()):
        log.append(logs[rng.choice([camera for camera in CAMERAS if logs[camera]])].pop(0))
    want = expected(settings, log)
    writer = producer(settings.kafka)
    watch = Watch(settings.kafka)
    for camera in CAMERAS:
        status = CameraStatus(site="site", camera=camera, session=1, at=START, state=CameraState.UP)
        writer.send(name(settings.kafka, CAMERA_STATUS), status.encode(), status.key.encode(), headers_of(status))
    writer.flush()
    parts = [log[at : at + len(log) // 4 + 1] for at in range(0, len(log), len(log) // 4 + 1)]
    for part in parts:
        told = len(watch.windows)
        poison(writer, settings.kafka)
        with role("aggregate", file, tmp_path) as running:
            for message in part:
                key = f"{message.site}/{message.camera}".encode()
                writer.send(name(settings.kafka, EVENTS), message.encode(), key, headers_of(message))
            writer.flush()
            if part is parts[-1]:
                watch.until(lambda: watch.windows.keys() >= want.keys())
            else:
                watch.until(lambda told=told: len(watch.windows) > told)  # type: ignore[misc]
                for process in psutil.Process(running.pid).children(recursive=True):
                    process.kill()
    writer.close()
    assert watch.windows == want
    if delivery == "exactly_once":
        assert watch.records == len(want)


def test_a_camera_whose_host_is_gone_is_told_with_what_was_promised(
    kafka_settings: KafkaSettings, tmp_path: Path
) -> None:
    """Nobody writes a ledger record any more, and what is in `frames` was read."""
    settings = settings_of(kafka_settings, idle_seconds=1, windows=[{"seconds": 10}], grace_seconds=0)
    now = (datetime.now(UTC) - START).total_seconds()
    last = ledger(now - 20, now, 100)
    watch = Watch(settings.kafka)
    writer = producer(settings.kafka)
    writer.send(name(settings.kafka, EVENTS), last.encode(), last.key.encode(), headers_of(last))
    writer.flush()
    writer.close()
    with role("aggregate", write_settings(settings, tmp_path), tmp_path):
        watch.until(lambda: any(window.start > last.covers_to for window in watch.windows.values()))
    after = [window for window in watch.of(Scope.CAMERA).values() if window.start > last.covers_to]
    assert all(window.frames.expected == pytest.approx(50, abs=0.1) and window.coverage == 0 for window in after)
