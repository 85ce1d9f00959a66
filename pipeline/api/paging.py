"""A page of the windows that are known, oldest first, and where the next one begins. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest

from pipeline.errors import UsageError
from pipeline.messages import Scope
from pipeline.watch.windows import HistoryKey, KeptWindow

Place = tuple[datetime, str, str, str]  # start, scope, id, spec: no two windows have the same


@dataclass(frozen=True)
class Wish:
    """Which windows; None: any. `after`: the cursor of the page before."""

    scope: Scope | None
    id: str | None
    spec: str | None
    since: datetime
    after: str | None


def page(
    windows: Mapping[HistoryKey, Iterable[KeptWindow]], wish: Wish, limit: int
) -> tuple[list[KeptWindow], str | None]:
    """At most `limit`, and the cursor of the next page, None where this is the last. Raises UsageError."""
    after = None if wish.after is None else _decode(wish.after)
    found = nsmallest(limit + 1, _matching(windows, wish, after), key=lambda each: each[0])
    cursor = _encode(found[limit - 1][0]) if len(found) > limit else None
    return [kept for _, kept in found[:limit]], cursor


def _matching(
    windows: Mapping[HistoryKey, Iterable[KeptWindow]], wish: Wish, after: Place | None
) -> Iterator[tuple[Place, KeptWindow]]:
    for (scope, name, spec), history in windows.items():
        if wish.scope in (None, scope) and wish.id in (None, name) and wish.spec in (None, spec):
            for kept in history:
                place = (kept.start, str(scope), name, spec)
                if kept.start >= wish.since and (after is None or place > after):
                    yield place, kept


def _encode(place: Place) -> str:
    start, *rest = place
    return base64.urlsafe_b64encode("\n".join([start.isoformat(), *rest]).encode()).decode().rstrip("=")


def _decode(cursor: str) -> Place:
    try:
        text = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), b"-_", validate=True).decode()
        start, scope, name, spec = text.split("\n")
        at = datetime.fromisoformat(start)
        if at.tzinfo is None:
            raise ValueError("no time zone")
    except ValueError:
        raise UsageError("after: none of our cursors", "give what `next` of the page before says") from None
    return at, scope, name, spec
