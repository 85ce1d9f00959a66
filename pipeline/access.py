"""Who asks, and what they may do: bearer tokens with roles, for the API and for the page. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import UsageError
from pipeline.settings import AccessRole, ApiSettings, Settings, hashed, is_loopback

ROLES: tuple[AccessRole, ...] = ("viewer", "operator")
"""Each may do what those before it may."""
LONGEST = 512  # characters of a token; more is not even hashed


@dataclass(frozen=True)
class Caller:
    """`name`: of the token, never the token itself."""

    name: str
    role: AccessRole

    def may(self, role: AccessRole) -> bool:
        """Whether this caller may do what `role` may."""
        return ROLES.index(self.role) >= ROLES.index(role)


ANYBODY_HERE = Caller("local", "operator")
"""Whoever reaches an API that only listens on this machine, and has no tokens."""


class Access:
    """`callers`: by the hash of their token. None at all: access is open."""

    def __init__(self, callers: Sequence[tuple[str, Caller]]) -> None:
        self._callers = [(stored.encode(), caller) for stored, caller in callers]

    @property
    def open(self) -> bool:
        return not self._callers

    @classmethod
    def of(cls, settings: ApiSettings) -> Access:
        """Raises UsageError where it would be open to others, or a token cannot be had."""
        if not settings.tokens and not settings.loopback:
            what = f"api.tokens: none, but api.host {settings.host} is reached from other machines"
            raise UsageError(what, "give api.tokens, or let api.host be 127.0.0.1")
        callers = []
        for number, token in enumerate(settings.tokens):
            stored = token.token.get_secret_value()
            if stored.startswith("env:"):
                what = f"api.tokens.{number}.token: the environment variable {stored.removeprefix('env:')} is not set"
                raise UsageError(what, "set it, or give the token's sha256: instead")
            callers.append((stored, Caller(token.name, token.role)))
        return cls(callers)

    @classmethod
    def of_page(cls, settings: Settings) -> Access:
        """Raises UsageError as well where the page would be open to others."""
        if not settings.api.tokens and not is_loopback(settings.dashboard.host):
            what = f"api.tokens: none, but dashboard.host {settings.dashboard.host} is reached from other machines"
            raise UsageError(what, "give api.tokens, or let dashboard.host be 127.0.0.1")
        return cls.of(settings.api)

    def who(self, authorization: str | None) -> Caller | None:
        """Whose request it is by its `Authorization`; None: nobody's that we know. Takes as long whatever it holds."""
        if self.open:
            return ANYBODY_HERE
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > LONGEST:
            return None
        given = hashed(token).encode()
        found = None
        for stored, caller in self._callers:
            if hmac.compare_digest(stored, given):
                found = caller
        return found


def asked_here(host: str | None, settings: ApiSettings) -> bool:
    """Whether a `Host` names this machine: a page of the web whose name was made to point here names itself."""
    name = (host or "").strip().lower()
    name = name.partition("]")[0] + "]" if name.startswith("[") else name.partition(":")[0]
    return is_loopback(name) or name in (settings.host.lower(), *(each.lower() for each in settings.names))
