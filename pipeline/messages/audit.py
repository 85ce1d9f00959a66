"""Who changed what, or was refused."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from pydantic import Field, field_validator

from pipeline.messages.record import Record

CONSOLE = "console"
"""The role of whoever works at the command line: access to the machine and to Kafka is what lets them."""

HIDDEN = "(hidden)"
SECRET_FIELD = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)
USER_AND_PASSWORD = re.compile(r"(?<=://)\S*@")  # passwords hold what they like
SECRET_PARAMETER = re.compile(
    r"((?<![^?&;/\s])[^?&;/#\s]*(?:pas|pwd|psw|secret|token|auth|key|sig|cred)[^&;/#\s]*?=)[^&;/#\s]+", re.IGNORECASE
)
LONGEST = 2000  # characters of one value; what is written here stays for a year
READ = 2 * LONGEST  # characters that are looked at: a secret that is cut in two there is not told anyway


class AuditOutcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"  # not allowed, or not valid: nothing was changed
    FAILED = "failed"  # begun, and it is not known how much of it was done


class AuditRecord(Record):
    """One change, or one attempt at it. Records are only ever added.

    `who`: the name of the person or of the token, as far as it is known; never the token. `role`: what let them: a
    role of the API ("viewer", "operator"), or "console". `action`: noun.verb, such as camera.add, camera.pause,
    alert.acknowledge, alerts.silence, topics.apply. `target`: what it was done to, such as camera/room-101.
    `before` and `after`: what it changed, without passwords and tokens; null where there was or is nothing.
    `reason`: why it was done as far as somebody said so, or why it was refused or failed.
    """

    event_id: str = Field(default_factory=lambda: uuid4().hex)
    site: str
    at: datetime
    who: str
    role: str
    action: str = Field(pattern=r"^[a-z][a-z-]*\.[a-z][a-z-]*$")
    target: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    outcome: AuditOutcome
    reason: str = ""

    @field_validator("before", "after")
    @classmethod
    def _without_secrets(cls, values: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if values is None else {key: _hidden(key, value) for key, value in values.items()}

    @field_validator("who", "target", "reason")
    @classmethod
    def _without_passwords(cls, text: str) -> str:
        return without_secrets(text)

    @property
    def key(self) -> str:
        return self.site


def without_secrets(text: str) -> str:
    """The text, printable and not too long, without user and password of addresses and parameters that look secret."""
    text = "".join(character if character.isprintable() else " " for character in text[:READ])
    text = USER_AND_PASSWORD.sub(f"{HIDDEN}@", text)
    text = SECRET_PARAMETER.sub(rf"\g<1>{HIDDEN}", text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _hidden(key: str, value: Any) -> Any:
    """The value of a field, with what is secret in it hidden, however deep."""
    if isinstance(value, dict):
        return {name: _hidden(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(key, inner) for inner in value]
    if value and SECRET_FIELD.search(key):
        return HIDDEN
    return without_secrets(value) if isinstance(value, str) else value
