"""The audit log names who changed what, and no secret."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from rich.console import Console

from pipeline.console import audit
from pipeline.messages import KINDS, AuditOutcome, AuditRecord, Kind, headers_of, record_kind
from pipeline.settings import KafkaSettings, load
from pipeline.topics import AUDIT, plan

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)


def record(**changes: Any) -> AuditRecord:
    values = {
        "site": "house-elm", "at": AT, "who": "Ada", "role": "operator", "action": "camera.change",
        "target": "camera/room-12", "outcome": AuditOutcome.DONE,
    }  # fmt: skip
    return AuditRecord.model_validate({**values, **changes})


def test_a_record_survives_the_wire() -> None:
    written = record(before={"fps": 5}, after={"fps": 10, "masks": [[(0, 0), (1, 0), (1, 1)]]})
    headers = headers_of(written)
    assert record_kind(headers) is Kind.AUDIT
    assert dict(headers)["ce_id"] == written.event_id.encode()
    again = KINDS[Kind.AUDIT].decode(written.encode())
    assert again.model_dump(mode="json") == written.model_dump(mode="json")
    assert record().event_id != record().event_id


@pytest.mark.parametrize(
    "secret",
    [
        {"uri": "rtsp://admin:hunter2@10.0.0.5/stream"},
        {"uri": "http://10.0.0.5/mjpeg?user=a&pwd=hunter2&fps=5"},
        {"uri": "http://10.0.0.5/mjpeg?apikey=hunter2"},
        {"uri": "rtsp://10.0.0.5/user=admin_password=hunter2_channel=1"},
        {"uri": "rtsp://admin:hunter2/3@10.0.0.5/stream"},
        {"token": "hunter2"},
        {"webhooks": [{"id": "a", "secret": "hunter2"}]},
        {"settings": {"Password": "hunter2"}},
        {"notes": ["see rtsp://admin:hunter2@10.0.0.5/a and rtsp://x:hunter2@10.0.0.6/b"]},
    ],
)
def test_no_secret_is_written(secret: dict[str, Any]) -> None:
    written = record(before=secret, after=secret, reason=str(secret.get("uri", "")), target=str(secret.get("uri", "x")))
    assert b"hunter2" not in written.encode()
    assert b"(hidden)" in written.encode()


def test_what_is_no_secret_is_written() -> None:
    values = {"uri": "rtsp://10.0.0.5/stream?fps=5", "credentials": "env:CAMERA_HALL", "fps": 5.0, "paused": False}
    assert record(after=values).after == values


def test_what_was_sent_cannot_break_the_terminal_nor_fill_the_topic() -> None:
    written = record(who="Ada\x1b[2J\nBob", reason="x" * 10_000)
    assert "\x1b" not in written.who
    assert "\n" not in written.who
    assert len(written.reason) == 2000


@pytest.mark.parametrize("action", ["", "pause", "camera.", "Camera.Pause", "camera pause"])
def test_an_action_is_noun_and_verb(action: str) -> None:
    with pytest.raises(ValidationError):
        record(action=action)


def test_it_is_kept_a_year_in_order() -> None:
    topic = plan(KafkaSettings())[AUDIT]
    assert topic.partitions == 1
    assert topic.config["retention.ms"] == str(365 * 24 * 3600 * 1000)
    assert topic.config.get("cleanup.policy", "delete") == "delete"


def test_the_list_says_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = record(action="camera.remove", outcome=AuditOutcome.REFUSED, reason="no such camera")
    changed = record(before={"fps": 5, "loop": False}, after={"fps": 10, "loop": False})
    monkeypatch.setattr(audit, "written", lambda kafka, since: [changed, refused])
    output = io.StringIO()
    audit.show(load().kafka, None, False, Console(file=output, width=200))
    text = output.getvalue()
    assert "fps: 5 → 10" in text
    assert "loop" not in text
    assert "refused" in text
    assert "no such camera" in text
