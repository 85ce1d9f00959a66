"""What carries a request to a model server and its answer back; the two kinds of it are HTTP and gRPC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

ERROR_CHARS = 200  # of what the server says of an error


class Refused(Exception):
    """The request itself is at fault, as the text says in full: sending it again is of no use."""


@dataclass(frozen=True, slots=True)
class Message:
    """A body with its headers; their names are in lower case."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport(Protocol):
    """Several threads may call at once."""

    def __call__(self, request: Message) -> Message:
        """The answer. Raises Refused, and ClassifierUnavailable when there is none, too late or too large a one."""
        ...

    def close(self) -> None: ...


def said(body: bytes) -> str:
    """The beginning of what a server says of an error, on one line."""
    return " ".join(body[: 4 * ERROR_CHARS].decode(errors="replace").split())[:ERROR_CHARS]
