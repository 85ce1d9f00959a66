"""A day of a room, from real topics to the page; and who changed what, written and read back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml
from kafka.partitioner import murmur2
from typer.testing import CliRunner

from pipeline.aggregate.ask import Target
from pipeline.care.day import Day
from pipeline.cli import app
from pipeline.console.alerts import forget, silence
from pipeline.errors import UsageError
from pipeline.kafka.audit import AuditLog, written
from pipeline.kafka.clients import producer
from pipeline.messages import Alert, AuditOutcome, AuditRecord, CameraState, CameraStatus, Window, headers_of
from pipeline.settings import KafkaSettings, load
from pipeline.topics import ALERTS, CAMERA_STATUS, WINDOWS, name
from tests.care_days import BERLIN, MINUTE, NOTABLE_DAY, ROOM, alert, status, windows

NOW = dt.datetime.now(dt.UTC)
YESTERDAY = Day(NOW.astimezone(BERLIN).date() - dt.timedelta(days=1), BERLIN)


def write(kafka: KafkaSettings, *records: Window | Alert | CameraStatus) -> None:
    """As the roles do: windows and alerts by their owner."""
    to = producer(kafka)
    for record in records:
        topic = {Window: WINDOWS, Alert: ALERTS, CameraStatus: CAMERA_STATUS}[type(record)]
        place = None
        if isinstance(record, Window | Alert):
            place = int(murmur2(record.owner.encode()) & 0x7FFFFFFF) % kafka.partitions
        to.send(
            name(kafka, topic),
            key=record.key.encode(),
            value=record.encode(),
            headers=headers_of(record),
            partition=place,
        )
    to.flush()
    to.close()


@pytest.fixture
def settings_file(kafka_settings: KafkaSettings, tmp_path: Path) -> Path:
    file = tmp_path / "emostream.yaml"
    values = {"site": ROOM.site, "timezone": "Europe/Berlin", "kafka": kafka_settings.model_dump()}
    file.write_text(yaml.safe_dump(values))
    return file


def test_a_report_from_the_topics(settings_file: Path, kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    whole = [*windows(YESTERDAY, NOTABLE_DAY, 1), *windows(YESTERDAY.before(1)[0], NOTABLE_DAY, 2)]
    other = [window.model_copy(update={"id": "room-13"}) for window in whole[:100]]
    noon = YESTERDAY.start + 720 * MINUTE
    down = status(YESTERDAY.start + 130 * MINUTE, CameraState.DOWN, "no answer in 10 s")
    up = status(YESTERDAY.start + 270 * MINUTE, CameraState.UP)
    write(kafka_settings, *whole, *other, alert(noon), down, up)
    with AuditLog(kafka_settings) as log:
        log.write(
            AuditRecord(
                site=ROOM.site, at=NOW, who="Ada", role="operator", action="camera.pause", target="camera/room-12",
                outcome=AuditOutcome.DONE,
            )
        )  # fmt: skip
    page, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    command = ["report", "--zone", "room-12", "--output", str(page), "--pdf", str(pdf), "-c", str(settings_file)]
    done = CliRunner().invoke(app, [*command, "--day", str(YESTERDAY.date)], catch_exceptions=False)
    assert done.output.split() == [str(page), str(pdf)]
    text = page.read_text().replace("\N{NO-BREAK SPACE}", " ")
    assert "There was one alert, “Apparent distress, please look in”" in text
    assert "camera down (2 h 20 min)" in text
    assert "camera down: no answer in 10 s" in text
    assert "paused" not in text  # that was today
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert page.stat().st_mode & 0o077 == 0
    default = CliRunner().invoke(app, [*command, "--language", "de"], catch_exceptions=False)
    assert default.exit_code == 0
    assert "Es gab eine Meldung" in page.read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--zone", "room-99"], "nothing is known of 'room-99'"),
        (["--zone", "a/b"], "'a/b' is no name"),
        (["--zone", "room-12", "--day", "someday"], "'someday' is no day"),
        (["--zone", "room-12", "--day", "2999-01-01"], "has not begun"),
        (["--zone", "room-12", "--day", "2020-01-01"], "nothing is kept of 2020-01-01 any more"),
        (["--zone", "room-12", "--output", "no/such/folder/x.html"], "cannot be written"),
    ],
)
def test_what_there_is_no_report_on(
    options: list[str], said: str, settings_file: Path, kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(settings_file.parent)
    write(kafka_settings, status(YESTERDAY.start, CameraState.UP))
    done = CliRunner().invoke(app, ["report", *options, "-c", str(settings_file)])
    assert isinstance(done.exception, UsageError), done.output
    assert said in str(done.exception)
    assert list(settings_file.parent.iterdir()) == [settings_file]


def test_what_people_do_is_written_and_what_they_are_refused(settings_file: Path) -> None:
    settings = load(settings_file)
    silence(settings, Target(ROOM.site, id="room-12"), "2h", "Ada", "visitors with cake")
    with pytest.raises(UsageError):
        silence(settings, Target(ROOM.site, rule="no-such-rule"), "2h", "Eve", "")
    forget(settings, Target(ROOM.site, id="room-12"), "Ada")
    records = written(settings.kafka)
    assert [(each.who, each.action, each.target, each.outcome) for each in records] == [
        ("Ada", "alerts.silence", "scope/room-12", AuditOutcome.DONE),
        ("Eve", "alerts.silence", "rule/no-such-rule", AuditOutcome.REFUSED),
        ("Ada", "alerts.forget", "scope/room-12", AuditOutcome.DONE),
    ]
    assert records[0].reason == "visitors with cake"
    assert "no-such-rule" in records[1].reason
    shown = CliRunner().invoke(app, ["audit", "--json", "-c", str(settings_file)])
    assert [line.count('"who": "Ada"') for line in shown.output.splitlines()] == [1, 0, 1]
    later = CliRunner().invoke(app, ["audit", "--since", "2999-01-01", "-c", str(settings_file)])
    assert "nothing was changed" in later.output


def test_topics_apply_is_written_once(kafka: str, settings_file: Path) -> None:
    values = yaml.safe_load(settings_file.read_text())
    values["kafka"]["topic_prefix"] += "-new"
    settings_file.write_text(yaml.safe_dump(values))
    for _ in range(2):
        assert CliRunner().invoke(app, ["topics", "apply", "-c", str(settings_file)]).exit_code == 0
    [applied] = written(load(settings_file).kafka)
    assert applied.action == "topics.apply"
    assert len((applied.after or {})["created"]) > 5
