"""Lines that come again and again: told so many times a minute, then counted. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

SECONDS = 60.0
MOST_KINDS = 4096  # of lines that are known at once

Line = TypeVar("Line")


@dataclass(slots=True)
class _Kind(Generic[Line]):
    since: float
    told: int = 0
    held: int = 0
    last: Line | None = None


@dataclass(frozen=True, slots=True)
class HeldBack(Generic[Line]):
    """So many lines of one kind were held back within `seconds`; `last` is the last of them."""

    count: int
    seconds: float
    last: Line


class Repeats(Generic[Line]):
    """`most`: lines of one kind that are told within `SECONDS`. Times are steady seconds."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kinds: dict[Hashable, _Kind[Line]] = {}
        self._next_look = 0.0

    def admit(self, kind: Hashable, line: Line, now: float) -> bool:
        """Whether the line is told. Ask `over` before."""
        known = self._kinds.setdefault(kind, _Kind(now))
        if known.told < self._most:
            known.told += 1
            return True
        known.held += 1
        known.last = line
        return False

    def over(self, now: float) -> list[HeldBack[Line]]:
        """What was held back in minutes that are over. They begin anew with the next line of their kind."""
        full = len(self._kinds) >= MOST_KINDS
        if now < self._next_look and not full:
            return []
        self._next_look = now + 1.0
        return self._forget(now, [key for key, each in self._kinds.items() if full or now - each.since >= SECONDS])

    def close(self, now: float) -> list[HeldBack[Line]]:
        """All that was held back and not told yet."""
        return self._forget(now, list(self._kinds))

    def _forget(self, now: float, keys: list[Hashable]) -> list[HeldBack[Line]]:
        gone = [self._kinds.pop(key) for key in keys]
        return [HeldBack(each.held, now - each.since, each.last) for each in gone if each.last is not None]
