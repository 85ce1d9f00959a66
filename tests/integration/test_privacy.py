"""What is told of people, on a real Kafka: sums where no face may leave, blurred previews, nothing for too long."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
from click.testing import Result
from kafka.admin import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from pipeline.aggregate.account import Account
from pipeline.aggregate.panes import pane_of
from pipeline.cli.main import app
from pipeline.kafka.audit import written
from pipeline.kafka.clients import admin
from pipeline.kafka.held import held_topics
from pipeline.kafka.lag import Lag
from pipeline.kafka.reader import Reader
from pipeline.kafka.retention import agree, apply, overlong
from pipeline.local.process import Process
from pipeline.local.roles import role, write_settings
from pipeline.messages import (
    CameraState,
    CameraStatus,
    CrowdRecord,
    FrameHeader,
    Kind,
    Ledger,
    Observation,
    Scope,
    Window,
    headers_of,
)
from pipeline.messages import record_kind as kind_of
from pipeline.privacy.report import report
from pipeline.settings import KafkaSettings, Settings, load
from pipeline.topics import AUDIT, CAMERA_STATUS, EVENTS, FRAMES, PREVIEWS, WINDOWS, name, plan
from tests.frames import AT, Log, wait_until

CAMERAS = ("a", "b", "c")
FRAMES_EACH = 250  # at ten frames a second
TRACK = re.compile(rb"[0-9a-f]{16}-\d")


@pytest.fixture
def log(kafka_settings: KafkaSettings) -> Iterator[Log]:
    log = Log(kafka_settings)
    yield log
    log.producer.close()


def settings_of(kafka: KafkaSettings, **changes: Any) -> Settings:
    kafka = kafka.model_copy(update={"aggregate_group": f"{kafka.group}-aggregate"})
    windows = {"windows": [{"seconds": 10}], "grace_seconds": 10, "commit_seconds": 0.1}
    analyze = {"commit_seconds": 0.1, "inflight_frames": 64}
    return load(kafka=kafka.model_dump(), aggregate=windows, analyze=analyze, **changes)


def analyzer(file: Path, folder: Path, name_: str) -> Process:
    command = [sys.executable, "-m", "tests.integration.worker_process", str(file)]
    return Process("analyzer", command, folder / f"{name_}.log")


def records(log: Log, topic: str) -> list[Any]:
    with Reader(log.kafka, [topic]) as reader:
        reader.from_beginning()
        return list(reader.to_end())


def finals(windows: list[Any]) -> dict[str, Window]:
    """Of the time that frames are of, the last of each."""
    last = AT + timedelta(seconds=30)
    return {window.key: window for window in windows if window.final and window.end <= last}


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_only_sums_leave_and_a_kill_costs_no_face(log: Log, tmp_path: Path, delivery: str) -> None:
    privacy = {"mode": "aggregates", "k_minimum": len(CAMERAS)}
    settings = settings_of(log.kafka, delivery=delivery, privacy=privacy)
    file = write_settings(settings, tmp_path)
    for camera in CAMERAS:
        up = CameraStatus(site="site", camera=camera, session=1, at=AT, state=CameraState.UP)
        log.producer.send(name(log.kafka, CAMERA_STATUS), up.encode(), up.key.encode(), headers_of(up))
    killed = FRAMES_EACH // 2 + 7  # in the midst of ten seconds
    with Lag(settings.kafka) as lag:
        for first, end in ((0, killed), (killed, FRAMES_EACH)):
            process = analyzer(file, tmp_path, str(first))
            try:
                for seq in range(first, end):
                    for camera in CAMERAS:
                        log.frame(seq, camera)
                if end == FRAMES_EACH:
                    for camera in CAMERAS:
                        until = AT + timedelta(seconds=FRAMES_EACH / 10)
                        ledger = Ledger(
                            site="site", camera=camera, session=1, written_at=AT, covers_from=AT, covers_to=until,
                            first_seq=0, next_seq=end, expected=end, state=CameraState.ENDED, final=True,
                        )  # fmt: skip
                        log.send(ledger.key, ledger.encode(), headers_of(ledger))
                log.producer.flush()
                wait_until(lambda: lag.records() == 0)  # what is open of the ten seconds is in its memory alone
                for part in psutil.Process(process.pid).children(recursive=True):
                    part.kill()
            finally:
                process.stop()
    messages = log.read(EVENTS, lambda got: sum(isinstance(m, Ledger) for m in got) == len(CAMERAS))
    account = Account()
    told: dict[tuple[str, Any], CrowdRecord] = {}
    for message in messages:
        if isinstance(message, CrowdRecord):
            told.setdefault((message.camera, message.start), message)
        else:
            account.add(message)
    assert (account.total().observed, account.total().missing) == (FRAMES_EACH * len(CAMERAS), 0)
    assert account.duplicates == 0
    assert all(m.withheld and not m.faces for m in messages if isinstance(m, Observation))
    assert sum(part.faces for crowd in told.values() for part in crowd.parts) == FRAMES_EACH * len(CAMERAS)
    assert {crowd.start for crowd in told.values()} == {pane_of(AT + timedelta(seconds=s)) for s in (0, 10, 20)}
    with role("aggregate", file, tmp_path):
        windows = finals(log.read(WINDOWS, lambda got: len(finals(got)) == 3 * (1 + len(CAMERAS))))
    for window in windows.values():
        assert window.suppressed == (window.scope is not Scope.SITE)
        assert (window.n_tracks, window.n_told) == ((0, 0) if window.suppressed else (3, window.frames.observed))
    for topic in plan(settings.kafka):
        if topic != FRAMES:
            assert not [r for r in records(log, topic) if TRACK.search(r.value or b"")], topic
    assert not records(log, PREVIEWS)


def test_previews_are_few_small_and_short_lived(log: Log, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for seq in range(35):
        picture = rng.integers(0, 255, (120, 160, 3), np.uint8)
        log.frame(seq, jpeg=cv2.imencode(".jpg", picture)[1].tobytes())
    process = analyzer(write_settings(settings_of(log.kafka), tmp_path), tmp_path, "analyzer")
    try:
        log.read(EVENTS, lambda got: sum(isinstance(m, Observation) for m in got) == 35)
        wait_until(lambda: len(records(log, PREVIEWS)) == 4)
    finally:
        process.stop()
    previews = records(log, PREVIEWS)
    assert {record.key for record in previews} == {b"site/cam"}
    assert {kind_of(record.headers) for record in previews} == {Kind.PREVIEW}
    headers = [FrameHeader.decode(record.headers) for record in previews]
    assert [header.frame_id.seq for header in headers] == [0, 10, 20, 30]
    for header, record in zip(headers, previews, strict=True):
        picture = cv2.imdecode(np.frombuffer(record.value, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (header.height, header.width, 3) == (6, 8, 3)
        assert len(record.value) < 1000
    config = held_topics(log.kafka, plan(log.kafka))[name(log.kafka, PREVIEWS)].config
    assert (config["retention.ms"], config["cleanup.policy"]) == ("300000", "delete")


def test_a_topic_of_pictures_that_keeps_them_too_long_is_shortened(kafka_settings: KafkaSettings) -> None:
    planned = plan(kafka_settings)
    frames, events = planned[FRAMES].name, planned[EVENTS].name
    client = admin(kafka_settings)
    spoilt = {"retention.ms": "-1", "cleanup.policy": "compact", "message.timestamp.type": "CreateTime"}
    longer = ConfigResource(ConfigResourceType.TOPIC, events, {"retention.ms": str(10**12)})
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, frames, spoilt), longer])
    client.close()
    give_up = time.monotonic() + 30  # a broker shows a change a moment after it took it
    while not (there := overlong(planned, held_topics(kafka_settings, planned))) and time.monotonic() < give_up:
        time.sleep(0.1)
    found = {(each.topic, each.field) for each in there}
    assert found == {*((frames, field) for field in spoilt), (events, "retention.ms")}
    apply(kafka_settings)
    left = overlong(planned, held_topics(kafka_settings, planned))
    assert [(each.topic, each.field) for each in left] == [(events, "retention.ms")]
    assert {each.topic for each in agree(kafka_settings)} == {events}
    assert overlong(planned, held_topics(kafka_settings, planned)) == []


def test_topics_that_are_kept_otherwise_are_told_and_changed(log: Log, tmp_path: Path) -> None:
    """Also those that delete too early: what the settings say holds, and the command says what it changed."""
    planned = plan(log.kafka)
    audit, previews = planned[AUDIT].name, planned[PREVIEWS].name
    spoilt = {audit: {"retention.ms": "60000"}, previews: {"segment.ms": "604800000", "retention.ms": "60000"}}
    client = admin(log.kafka)
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, each) for topic, each in spoilt.items()])
    client.close()
    file = str(write_settings(settings_of(log.kafka), tmp_path))
    lines = [
        f"{topic}: {field} is {found}, planned {planned[short].config[field]}"
        for short, topic in ((AUDIT, audit), (PREVIEWS, previews))
        for field, found in spoilt[topic].items()
    ]

    def checked() -> Result:
        return CliRunner().invoke(app, ["topics", "check", "-c", file])

    wait_until(lambda: all(line in checked().output for line in lines))  # a broker shows a change a moment later
    assert checked().exit_code == 1
    assert "its records stay too long" in next(line for line in checked().output.splitlines() if "segment.ms" in line)
    applied = CliRunner().invoke(app, ["topics", "apply", "-c", file])
    assert sorted(line for line in applied.output.splitlines() if " was " in line) == sorted(
        line.replace(" is ", " was ").replace(", planned ", ", is now ") for line in lines
    )
    wait_until(lambda: checked().exit_code == 0)
    [record] = written(log.kafka)
    assert (record.action, record.before) == (
        "topics.apply",
        {f"{topic}: {field}": found for topic, each in spoilt.items() for field, found in each.items()},
    )


def test_the_report_says_what_the_broker_really_holds(log: Log, tmp_path: Path) -> None:
    settings = settings_of(
        log.kafka, cameras=[{"uri": "synthetic:", "id": "hall", "masks": [[[0, 0], [1, 0], [0, 1]]]}]
    )
    began = datetime.now(UTC)
    for seq in range(20):
        log.frame(seq)
    log.producer.flush()
    found = report(settings)
    rows = {row.topic.rpartition(".")[2]: row for row in found.kept}
    assert rows.keys() == plan(settings.kafka).keys()
    frames = rows[FRAMES]
    assert (frames.promised, frames.held, frames.gone) == (900, 900, 900 + 60 + 60 + 60)
    assert frames.contents is not None
    assert frames.contents.oldest is not None
    assert (frames.contents.records, rows[PREVIEWS].contents.records) == (20, 0)
    assert began - timedelta(seconds=2) < frames.contents.oldest < datetime.now(UTC) + timedelta(seconds=2)
    assert (frames.contents.bytes or 0) > 20 * 1000
    assert (found.as_promised, found.masks) == (True, {"hall": 1})
    client = admin(settings.kafka)
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, frames.topic, {"retention.ms": "3600000"})])
    client.close()
    file = write_settings(settings, tmp_path)
    told = CliRunner().invoke(app, ["privacy", "report", "-c", str(file)])
    assert told.exit_code == 1
    assert "promised 15 minutes" in " ".join(told.output.split())
    as_json = json.loads(CliRunner().invoke(app, ["privacy", "report", "--json", "-c", str(file)]).output)
    assert as_json["as_promised"] is False
    assert [row["topic"] for row in as_json["kept"] if row["verdict"] != "as promised"] == [frames.topic]
