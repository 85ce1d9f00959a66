"""TLS, passwords and certificates to a real secured broker, and what is said where they do not fit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import DependencyError, UsageError
from pipeline.kafka.clients import admin, apply_topics, consumer, producer
from pipeline.kafka.handshake import why
from pipeline.settings import KafkaSettings
from pipeline.topics import FRAMES, name
from tests.certificates import Authority
from tests.secured import ADMIN, CERTIFICATES, CLEAR, PASSWORDS, PLAIN_USER, SecuredKafka


def refusal(kafka: KafkaSettings) -> DependencyError:
    """What a client says once kafka-python has given up, which takes it ten seconds."""
    reason = why(kafka)
    assert reason is not None
    return reason


def test_a_client_that_is_refused_says_why(secured: SecuredKafka) -> None:
    with pytest.raises(DependencyError, match=r"kafka\.security\.protocol is PLAINTEXT"):
        admin(secured.at(PASSWORDS))


def test_nothing_is_wrong_where_one_is_let_in(secured: SecuredKafka) -> None:
    assert why(secured.settings(ADMIN)) is None


def test_records_travel_over_tls_with_a_scram_password(secured: SecuredKafka) -> None:
    kafka = secured.settings(ADMIN)
    apply_topics(kafka)
    topic = name(kafka, FRAMES)
    to = producer(kafka)
    to.send(topic, b"a picture").get(timeout=20)
    to.close()
    reader = consumer(kafka, "readers")
    reader.subscribe([topic])
    while not (polled := reader.poll(timeout_ms=500)):
        pass
    reader.close(autocommit=False)
    assert [record.value for records in polled.values() for record in records] == [b"a picture"]


@pytest.mark.parametrize("reference", ["env", "file"])
def test_a_password_is_read_where_the_reference_points(secured: SecuredKafka, reference: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(os.environ["KAFKA_PASSWORD_OF_SITE_ADMIN"] + "\n")
    changes = {"password": f"file:{file}"} if reference == "file" else {}
    admin(secured.settings(ADMIN, **changes)).close()


def test_a_client_certificate_is_a_user(secured: SecuredKafka) -> None:
    ours = secured.authority.issue("camera-host")
    admin(secured.at(CERTIFICATES, **certificate(secured, ours.certificate, ours.key))).close()


def test_an_encrypted_key_is_opened_with_its_password(secured: SecuredKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_PASSWORD", "opens the key")
    ours = secured.authority.issue("locked-host", password="opens the key")
    files = certificate(secured, ours.certificate, ours.key)
    admin(secured.at(CERTIFICATES, **files, key_password="env:KEY_PASSWORD")).close()
    with pytest.raises(UsageError, match=r"kafka\.security\.key_password: .* is encrypted"):
        admin(secured.at(CERTIFICATES, **files))


def test_plain_goes_over_tls(secured: SecuredKafka) -> None:
    admin(secured.settings(PLAIN_USER, mechanism="PLAIN")).close()


def test_a_wrong_authority_is_named(secured: SecuredKafka, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    error = refusal(secured.settings(ADMIN, ca_file=stranger.file))
    assert "kafka.security.ca_file" in error.message
    assert str(stranger.file) in error.message


def test_a_wrong_password_is_told_without_it(secured: SecuredKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRONG", "not-the-password-at-all")
    error = refusal(secured.settings(ADMIN, password="env:WRONG"))
    assert f"kafka.security.username, kafka.security.password: {ADMIN} is refused" in error.message
    assert "not-the-password" not in str(error)


def test_a_mechanism_that_the_broker_has_not_is_named(secured: SecuredKafka) -> None:
    error = refusal(secured.settings(ADMIN, mechanism="SCRAM-SHA-256"))
    assert "kafka.security.mechanism" in error.message
    assert "SCRAM-SHA-512" in error.hint


def test_clear_text_to_a_tls_port_is_told(secured: SecuredKafka) -> None:
    error = refusal(secured.at(PASSWORDS))
    assert "it wants TLS, and kafka.security.protocol is PLAINTEXT" in error.message


def test_tls_to_a_port_of_clear_text_is_told(secured: SecuredKafka) -> None:
    error = refusal(secured.at(CLEAR, protocol="SSL", ca_file=secured.authority.file))
    assert "it does not speak TLS, and kafka.security.protocol is SSL" in error.message


def test_a_listener_of_passwords_wants_one(secured: SecuredKafka) -> None:
    error = refusal(secured.at(PASSWORDS, protocol="SSL", ca_file=secured.authority.file))
    assert "it wants a password, and kafka.security.protocol is SSL" in error.message


def test_a_listener_of_certificates_wants_one(secured: SecuredKafka) -> None:
    error = refusal(secured.at(CERTIFICATES, protocol="SSL", ca_file=secured.authority.file))
    assert "kafka.security.certificate: it wants one" in error.message


def test_an_expired_certificate_of_ours_is_named(secured: SecuredKafka) -> None:
    old = secured.authority.issue("old-host", expired=True)
    error = refusal(secured.at(CERTIFICATES, **certificate(secured, old.certificate, old.key)))
    assert f"kafka.security.certificate: {old.certificate} is refused" in error.message
    assert "expired" in str(error)


def certificate(secured: SecuredKafka, own: Path, key: Path) -> dict[str, object]:
    return {"protocol": "SSL", "ca_file": secured.authority.file, "certificate": own, "key": key}
