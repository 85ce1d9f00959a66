"""TLS and SASL, as kafka-python takes them."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.settings import KafkaSettings, SecuritySettings
from pipeline.settings.secret import read

SECTION = "kafka.security"


def client_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Of each client. Secrets are read here, and not kept. Raises UsageError naming the setting."""
    security = kafka.security
    if not security.tls:
        return {}
    options: dict[str, Any] = {"security_protocol": security.protocol, "ssl_context": context(security)}
    if security.sasl:
        options |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": password(security),
        }
    return options


def password(security: SecuritySettings) -> str:
    assert security.password is not None
    return read(security.password, f"{SECTION}.password")


def context(security: SecuritySettings) -> ssl.SSLContext:
    """TLS 1.2 at least, with the broker's name checked: there is no setting that leaves that out."""
    made = ssl.create_default_context()
    if security.ca_file is not None:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # those authorities, and no others
        try:
            made.load_verify_locations(security.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise _unreadable("ca_file", security.ca_file, error) from None
    if security.certificate is not None and security.key is not None:
        for name, path in (("certificate", security.certificate), ("key", security.key)):
            try:
                path.open("rb").close()
            except OSError as error:
                raise _unreadable(name, path, error) from None
        try:
            made.load_cert_chain(security.certificate, security.key, lambda: _key_password(security))
        except ssl.SSLError as error:
            names = f"{SECTION}.certificate, {SECTION}.key"
            raise UsageError(
                f"{names}: {security.key} does not open {security.certificate} ({_reason(error)})",
                f"PEM files that belong together, and {SECTION}.key_password where the key is encrypted",
            ) from None
    return made


def _key_password(security: SecuritySettings) -> str:
    """Asked for by an encrypted key. Without this OpenSSL would ask at the terminal."""
    if security.key_password is None:
        raise UsageError(f"{SECTION}.key_password: {security.key} is encrypted", "say where its password is")
    return read(security.key_password, f"{SECTION}.key_password")


def _unreadable(name: str, path: Path, error: OSError) -> UsageError:
    reason = _reason(error) if isinstance(error, ssl.SSLError) else str(error.strerror)
    return UsageError(f"{SECTION}.{name}: {path} cannot be read: {reason}", "a file of PEM text, please")


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()
