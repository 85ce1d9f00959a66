"""What webhooks are told, to whom, and how it is signed: checked with the scheme's own library."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError
from tenacity import Future, RetryCallState, Retrying

from pipeline.errors import UsageError
from pipeline.messages import Alert, AlertState
from pipeline.metrics import Metrics
from pipeline.settings import WebhookSettings
from pipeline.webhooks.delivery import Endpoint, Refused, retry_after
from pipeline.webhooks.message import body, headers, place, wanted
from tests.records import alert, at

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four or more bytes").decode()


def endpoint(**values: Any) -> WebhookSettings:
    return WebhookSettings.model_validate({"id": "pager", "url": "http://localhost/x", "secret": SECRET, **values})


def test_a_payload_is_verified_by_the_library_and_no_other_is() -> None:
    raised = alert(reason="Apparent sadness: 80 % — sehr traurig")
    payload = body(raised)
    signed = headers(SECRET, raised, payload, int(datetime.now(UTC).timestamp()))
    told = Webhook(SECRET).verify(payload, signed)
    assert told == json.loads(payload)
    assert (told["type"], told["timestamp"]) == ("emostream.alert.raised", "2026-01-01T00:01:00+00:00")
    assert Alert.model_validate(told["data"]) == raised
    for spoiled in (payload + b" ", payload.replace(b"80", b"81")):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(spoiled, signed)
    other = "whsec_" + base64.b64encode(b"another secret of some more bytes").decode()
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(payload, signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(payload, {**signed, "webhook-id": "other"})


def test_ids_tell_records_apart_and_are_the_same_every_time() -> None:
    first, second = alert(), alert(update=1)
    assert headers(SECRET, first, b"", 1)["webhook-id"] == headers(SECRET, first, b"", 2)["webhook-id"]
    assert headers(SECRET, first, b"", 1)["webhook-id"] != headers(SECRET, second, b"", 1)["webhook-id"]
    assert "." not in headers(SECRET, first, b"", 1)["webhook-id"]


UPDATED, CLEARED = AlertState.UPDATED, AlertState.CLEARED


@pytest.mark.parametrize(
    ("told", "settings", "expected"),
    [
        ({}, {}, True),
        ({}, {"rules": ["sad"]}, True),
        ({}, {"rules": ["other", "no-data"]}, False),
        ({"severity": "info"}, {"severities": ["warning", "critical"]}, False),
        ({"severity": "critical"}, {"severities": ["warning", "critical"]}, True),
        ({"silenced_until": at(61)}, {}, False),
        ({"silenced_until": at(60)}, {}, True),
        ({"state": UPDATED}, {}, True),
        ({"state": UPDATED, "acknowledged_at": at(50)}, {}, False),
        ({"state": CLEARED, "acknowledged_at": at(50)}, {}, True),
    ],
)
def test_who_is_told(told: dict[str, Any], settings: dict[str, Any], expected: bool) -> None:
    assert wanted(endpoint(**settings), alert(**told)) is expected


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    assert place("https://user:pass@hooks.example:8443/T0/token?key=1") == "https://hooks.example:8443"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("7", 7.0), ("-1", None), ("soon", None), ("Thu, 01 Jan 2026 00:02:00 GMT", 120.0),
     ("Thu, 01 Jan 2026 00:02:00", None), ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0), ("nan", None)],
)  # fmt: skip
def test_what_an_answer_asks_to_wait(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, at(0)) == seconds


def failed(attempt: int, error: Refused) -> RetryCallState:
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempt
    state.outcome = Future(attempt)
    state.outcome.set_exception(error)
    return state


def test_pauses_grow_and_follow_what_the_address_asks() -> None:
    import threading

    settings = endpoint(backoff_seconds=1, backoff_max_seconds=60)
    post = Endpoint(settings, httpx.Client(), Metrics("test"), threading.Event())
    for attempt in range(1, 12):
        pauses = [post.pause(failed(attempt, Refused("no")), 3600) for _ in range(50)]
        least = min(60, 2 ** (attempt - 1))
        assert all(least <= pause <= min(60, least + 1) for pause in pauses)
        assert attempt > 6 or len(set(pauses)) > 1
    assert post.pause(failed(1, Refused("no", 429, after=17)), 3600) == 17
    assert post.pause(failed(1, Refused("no", 503, after=86400)), 100) == 100


@pytest.mark.parametrize("secret", ["whsec_", "whsec_YWJj", "YWJj" * 8, "whsec_%%%%" * 8, "env:"])
def test_a_secret_that_is_none_is_told_without_being_shown(secret: str) -> None:
    with pytest.raises(ValidationError) as raised:
        endpoint(secret=secret)
    said = raised.value.errors(include_input=False)[0]["msg"]
    assert "whsec_" in said
    assert secret not in said or secret == "whsec_"


def test_a_secret_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER_SECRET", SECRET)
    settings = endpoint(secret="env:PAGER_SECRET")
    assert settings.signing_secret() == SECRET
    assert SECRET not in repr(settings) + settings.model_dump_json()
    assert WebhookSettings.model_validate_json(settings.model_dump_json()) == settings


def test_a_secret_may_be_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pager").write_text(SECRET + "\n")
    monkeypatch.chdir(tmp_path)
    settings = endpoint(secret="file:pager")
    monkeypatch.chdir("/")
    assert settings.signing_secret() == SECRET


@pytest.mark.parametrize(
    ("held", "wrong"), [("", "PAGER_SECRET is not set"), ("hush", "what it refers to is no secret")]
)
def test_only_who_signs_needs_the_secret_that_is_referred_to(
    held: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER_SECRET", held)
    settings = endpoint(secret="env:PAGER_SECRET")
    with pytest.raises(UsageError, match=f"webhooks: pager: secret: .*{wrong}") as raised:
        Endpoint.check(settings)
    assert "hush" not in str(raised.value)
