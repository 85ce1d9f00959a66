"""Settings of the control API and of who may use it."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
from typing import Literal, Self

from pydantic import Field, SecretStr, field_serializer, field_validator, model_validator

from pipeline.settings.section import Section, check_name

AccessRole = Literal["viewer", "operator"]
LEAST_CHARS = 16  # of a token in clear
_HASHED = re.compile(r"sha256:[0-9a-f]{64}")


class TokenSettings(Section):
    """A bearer token. What is kept of it, here and in the files that roles are given, is its hash."""

    name: str = Field(description="whose it is; the audit log names its bearer so")
    role: AccessRole = Field("viewer", description="operator: may also change things")
    token: SecretStr = Field(
        description="env:NAME of a variable that holds it, or sha256: and the hash of it in hexadecimal, or itself"
    )

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        return check_name(value)

    @field_validator("token")
    @classmethod
    def _hash(cls, secret: SecretStr) -> SecretStr:
        """A variable that is not set may be another process's: the API itself asks for it when it starts."""
        text = secret.get_secret_value()
        if text.startswith("env:"):
            text = os.environ.get(text.removeprefix("env:"), "") or text
        if text.startswith("env:"):
            return SecretStr(text)
        if text.startswith("sha256:"):
            if not _HASHED.fullmatch(text):
                raise ValueError("no hash: sha256: and 64 small hexadecimal digits, as sha256sum prints them")
            return SecretStr(text)
        if len(text) < LEAST_CHARS:
            raise ValueError(f"shorter than {LEAST_CHARS} characters; `openssl rand -hex 32` makes one")
        return SecretStr(hashed(text))

    @field_serializer("token", when_used="json")
    def _tell(self, token: SecretStr) -> str:
        """Roles are given their settings as JSON."""
        return token.get_secret_value()


class ApiSettings(Section):
    host: str = Field("127.0.0.1", description="address the API listens on; beyond this machine it needs `tokens`")
    port: int = Field(8400, ge=0, le=65535, description="0: a free one")
    tokens: list[TokenSettings] = Field(
        [], description="who may use it, entries as below; none: whoever works on this machine"
    )
    names: list[str] = Field(
        [],
        description="host names that it is asked under, beside this machine's own; looked at while there are no tokens",
    )
    camera_kinds: list[Literal["network", "synthetic", "path", "webcam"]] = Field(
        ["network", "synthetic"],
        description="kinds of camera that may be added; with path or webcam its users read this machine's files",
    )
    requests_per_second: float = Field(20, gt=0, description="of one token, or of one address that has none")
    burst: int = Field(60, ge=1, description="requests that may come at once before that holds")
    max_body_kibibytes: int = Field(64, ge=1, le=16384, description="larger requests are refused")
    ready_lag_frames: int = Field(
        2000, ge=1, description="with more frames not analyzed, `/readyz` says that the system is not ready"
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [token.name for token in self.tokens]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"tokens: the name {min(twice)!r} is used twice")
        return self

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)


def hashed(token: str) -> str:
    """What is kept of a token. It is long and random, so that a plain hash gives nothing away."""
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def url(host: str, port: int) -> str:
    """Where this machine reaches what listens there."""
    name = host.strip("[]")
    if name in ("", "0.0.0.0", "::"):  # nosec B104: compared, not bound to
        name = "127.0.0.1"
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"
