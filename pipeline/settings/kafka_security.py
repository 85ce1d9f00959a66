"""Settings of how Kafka is reached safely: TLS, and who we are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipeline.settings.secret import FORMS, SecretReference
from pipeline.settings.section import Section

PATHS = ("ca_file", "certificate", "key")


class SecuritySettings(Section):
    protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL"] = Field(
        "PLAINTEXT", description="SSL: TLS, with a client certificate where one is named; SASL_SSL: TLS and a password"
    )
    ca_file: Path | None = Field(
        None, description="PEM file of the authorities that brokers' certificates may come from; none: the system's"
    )
    certificate: Path | None = Field(None, description="PEM file of our own certificate and its chain")
    key: Path | None = Field(None, description="PEM file of its private key")
    key_password: SecretReference | None = Field(None, description=f"of an encrypted key: {FORMS}")
    mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="of SASL_SSL; PLAIN shows the password to the broker"
    )
    username: str | None = Field(None, description="of SASL_SSL")
    password: SecretReference | None = Field(None, description=f"of SASL_SSL: {FORMS}")

    @field_validator("protocol", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator(*PATHS)
    @classmethod
    def _from_here(cls, path: Path | None) -> Path | None:
        """Roles and actors run in other folders."""
        return path and path.absolute()

    @model_validator(mode="after")
    def _fits_protocol(self) -> Self:
        given = [name for name in (*PATHS, "key_password", "username", "password") if getattr(self, name) is not None]
        if self.protocol == "PLAINTEXT" and given:
            raise ValueError(f"{given[0]}: not used with protocol PLAINTEXT; SSL or SASL_SSL, please")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key: give both or none")
        if self.key_password is not None and self.key is None:
            raise ValueError("key_password: there is no key")
        for name in ("username", "password"):
            if self.protocol == "SASL_SSL" and name not in given:
                raise ValueError(f"{name}: protocol SASL_SSL needs it")
            if self.protocol == "SSL" and name in given:
                raise ValueError(f"{name}: not used with protocol SSL; SASL_SSL, please")
        return self

    @property
    def tls(self) -> bool:
        return self.protocol != "PLAINTEXT"

    @property
    def sasl(self) -> bool:
        return self.protocol == "SASL_SSL"
