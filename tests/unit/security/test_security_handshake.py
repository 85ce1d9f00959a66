"""Servers that are no good brokers, and what is said of them. A real TLS server each, without a Kafka behind it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pipeline.errors import DependencyError
from pipeline.kafka.handshake import why
from pipeline.settings import KafkaSettings, SecuritySettings
from tests.certificates import Authority, Issued

LOOPBACK = "127.0.0.1"


@contextmanager
def server(own: Issued | None, answer: bytes = b"") -> Iterator[int]:
    """Takes connections, over TLS with a certificate, answers the first words with `answer`, and hangs up."""
    context = None
    if own is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own.certificate, own.key)
    with socket.create_server((LOOPBACK, 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with suppress(OSError):
                    spoken = context.wrap_socket(connection, server_side=True) if context else connection
                    with spoken:
                        while spoken.recv(4096) and answer:
                            spoken.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def told(port: int, ca_file: Path | None, **more: str) -> DependencyError | None:
    security = SecuritySettings.model_validate({"protocol": "SSL", "ca_file": ca_file, **more})
    return why(KafkaSettings(bootstrap=f"{LOOPBACK}:{port}", security=security))  # type: ignore[call-arg]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "site")


def test_an_expired_certificate_of_the_broker(authority: Authority) -> None:
    with server(authority.issue("broker", LOOPBACK, expired=True)) as port:
        reason = told(port, authority.file)
    assert reason is not None
    assert "its certificate is not valid now (certificate has expired)" in reason.message
    assert "clock" in reason.hint


def test_a_certificate_of_another_host(authority: Authority) -> None:
    with server(authority.issue("elsewhere.example")) as port:
        reason = told(port, authority.file)
    assert reason is not None
    assert f"its certificate is not for {LOOPBACK}" in reason.message
    assert "kafka.bootstrap" in reason.hint


def test_a_certificate_that_nobody_known_has_signed(authority: Authority) -> None:
    with server(authority.issue("broker", LOOPBACK)) as port:
        reason = told(port, None)
    assert reason is not None
    assert "kafka.security.ca_file: its certificate comes from none of the system's authorities" in reason.message


@pytest.mark.parametrize("answer", [b"", b"\0\0\0\1x", b"\x7f\xff\xff\xff", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_server_of_something_else_is_no_reason_of_ours(authority: Authority, answer: bytes) -> None:
    """It is not guessed at: the client's own error stands."""
    with server(authority.issue("broker", LOOPBACK), answer) as port:
        assert told(port, authority.file) is None


@pytest.mark.parametrize("said", ["", "fffe", "00210000", "00217fffffffffff", "0021ffffffff", "0000", "0000ffff" * 9])
def test_a_broker_that_answers_nonsense_to_a_login_is_no_reason_of_ours(
    authority: Authority, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", "never told to it")
    answer = bytes.fromhex("00000001" + said)
    login = {"protocol": "SASL_SSL", "username": "capture", "password": "env:KAFKA_PASSWORD"}
    with server(authority.issue("broker", LOOPBACK), len(answer).to_bytes(4, "big") + answer) as port:
        reason = told(port, authority.file, **login)
    assert reason is None or "kafka.security.mechanism" in reason.message


def test_nobody_there_is_no_reason_of_ours() -> None:
    assert told(9, None) is None
