"""Settings of Kafka's security: what fits together, and that no secret stands in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.kafka.security import client_options, context
from pipeline.settings import KafkaSettings, SecuritySettings, Settings, load
from pipeline.settings.secret import read
from tests.certificates import Authority

LOGIN = {"protocol": "SASL_SSL", "username": "capture", "password": "env:KAFKA_PASSWORD"}


def kafka(**security: Any) -> KafkaSettings:
    return KafkaSettings(security=SecuritySettings.model_validate(security))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{protocol: SASL_SSL, username: capture, password: hunter2hunter2}", "security.password: not the secret"),
        ("{protocol: SASL_SSL, username: capture}", "password: protocol SASL_SSL needs it"),
        ("{protocol: SASL_SSL, password: 'env:P'}", "username: protocol SASL_SSL needs it"),
        ("{username: capture}", "username: not used with protocol PLAINTEXT"),
        ("{ca_file: ca.pem}", "ca_file: not used with protocol PLAINTEXT"),
        ("{protocol: SSL, username: capture}", "username: not used with protocol SSL"),
        ("{protocol: SSL, certificate: own.pem}", "certificate and key: give both or none"),
        ("{protocol: SSL, key_password: 'env:P'}", "key_password: there is no key"),
        ("{protocol: SASL_PLAINTEXT}", "security.protocol"),
        ("{protocol: SSL, verify: false}", "security.verify: unknown setting"),
    ],
)
def test_what_does_not_fit_is_named(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(f"kafka:\n  security: {text}\n")
    with pytest.raises(UsageError) as refused:
        load(file)
    assert told in refused.value.message
    assert "hunter2" not in str(refused.value)


def test_the_environment_says_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for field, value in LOGIN.items():
        monkeypatch.setenv(f"EMOSTREAM_KAFKA__SECURITY__{field.upper()}", value)
    security = load().kafka.security
    assert (security.protocol, security.mechanism, security.username) == ("SASL_SSL", "SCRAM-SHA-512", "capture")


def test_settings_hold_the_reference_and_never_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """So roles, actors and files are given no password."""
    monkeypatch.setenv("KAFKA_PASSWORD", "hunter2hunter2")
    settings = Settings(kafka=kafka(**LOGIN))
    assert client_options(settings.kafka)["sasl_plain_password"] == "hunter2hunter2"
    for told in (settings.model_dump_json(), repr(settings), str(settings.kafka.security)):
        assert "hunter2" not in told
        assert "env:KAFKA_PASSWORD" in told


def test_a_file_that_is_replaced_holds_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("old\n")
    settings = kafka(**{**LOGIN, "password": f"file:{file}"})
    assert client_options(settings)["sasl_plain_password"] == "old"
    file.write_text("new")
    assert client_options(settings)["sasl_plain_password"] == "new"


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("env:NO_SUCH_VARIABLE", "kafka.security.password: the environment variable NO_SUCH_VARIABLE is not set"),
        ("file:/nowhere/password", "kafka.security.password: /nowhere/password cannot be read"),
        ("file:/dev/null", "kafka.security.password: /dev/null is empty"),
    ],
)
def test_a_secret_that_is_not_there_is_told(reference: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read(reference, "kafka.security.password")


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    authority, text = Authority(tmp_path, "site"), tmp_path / "text"
    ours, others = authority.issue("ours"), authority.issue("others")
    text.write_text("no certificate")
    for security, told in (
        ({"ca_file": tmp_path / "nowhere"}, "kafka.security.ca_file: .*nowhere cannot be read"),
        ({"ca_file": text}, "kafka.security.ca_file: .*text cannot be read"),
        ({"certificate": ours.certificate, "key": tmp_path / "nowhere"}, "kafka.security.key: .*nowhere cannot be"),
        ({"certificate": ours.certificate, "key": others.key}, "kafka.security.certificate, kafka.security.key: "),
    ):
        with pytest.raises(UsageError, match=told):
            context(SecuritySettings.model_validate({"protocol": "SSL", **security}))


def test_names_of_brokers_are_checked_and_old_tls_is_not_spoken() -> None:
    made = context(SecuritySettings(protocol="SSL"))  # type: ignore[call-arg]
    assert made.check_hostname
    assert made.verify_mode.name == "CERT_REQUIRED"
    assert made.minimum_version.name in ("TLSv1_2", "TLSv1_3")


def test_the_model_servers_token_may_be_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_TOKEN", "opens the model")
    settings = Settings.model_validate({"classify": {"token": "env:MODEL_TOKEN"}})
    assert settings.classify.secret == "opens the model"
    assert "opens the model" not in settings.model_dump_json()
