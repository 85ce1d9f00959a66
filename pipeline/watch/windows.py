"""The windows of the last hours, by what they speak of. Pure, bounded by time and by count."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.messages import Scope, Window

BYTES = 4096  # of a window on the wire, a generous mean: ours have some 700, more with many cameras
HistoryKey = tuple[Scope, str, str]  # scope, id, spec


@dataclass(frozen=True, slots=True)
class KeptWindow:
    """A window in few bytes: what an overview shows, and the record itself as it is on the wire.

    `label`, `share`: the expression told most often, and in which part of the readings; None where none was told.
    `version`: grows with every window that is kept, so that a reader can ask for what is new.
    """

    version: int
    start: datetime
    end: datetime
    revision: int
    final: bool
    coverage: float | None
    blind: float | None
    label: str | None
    share: float | None
    value: bytes

    def window(self) -> Window:
        return Window.decode(self.value)


def keep(window: Window, version: int) -> KeptWindow:
    shares = {} if window.suppressed else window.label_share or {}
    label = max(shares, key=lambda name: shares[name]) if shares else None
    return KeptWindow(
        version=version,
        start=window.start,
        end=window.end,
        revision=window.revision,
        final=window.final,
        coverage=window.coverage,
        blind=window.blind,
        label=label,
        share=None if label is None else shares[label],
        value=window.encode(),
    )


class Windows:
    """`span`: how far back from the newest end. `most`: of all together, and so many times BYTES of them.

    The oldest of the longest history go first.
    """

    def __init__(self, span: timedelta, most: int) -> None:
        self._span = span
        self._most = most
        self._histories: dict[HistoryKey, OrderedDict[datetime, KeptWindow]] = {}
        self._count = 0
        self._bytes = 0
        self.version = 0

    def add(self, window: Window) -> None:
        """A revision older than the one that is known is passed over."""
        key = (window.scope, window.id, window.spec)
        history = self._histories.setdefault(key, OrderedDict())
        before = history.get(window.start)
        if before is not None and before.revision > window.revision:
            return
        self.version += 1
        newest = before is None and bool(history) and window.start < next(reversed(history))
        kept = history[window.start] = keep(window, self.version)
        self._count += before is None
        self._bytes += len(kept.value) - (len(before.value) if before else 0)
        if newest:  # came after a later one: seldom
            self._histories[key] = OrderedDict(sorted(history.items()))
        self._prune(key)

    def of(self, scope: Scope, id_: str, spec: str, after: int = 0) -> list[KeptWindow]:
        """Oldest first; those of a version after the given one."""
        history = self._histories.get((scope, id_, spec), OrderedDict())
        return [kept for kept in history.values() if kept.version > after]

    def all(self) -> dict[HistoryKey, list[KeptWindow]]:
        """Oldest first, as they stand now."""
        return {key: list(history.values()) for key, history in self._histories.items()}

    def histories(self) -> Iterator[HistoryKey]:
        yield from sorted(self._histories)

    def latest(self, scope: Scope, id_: str, spec: str) -> KeptWindow | None:
        history = self._histories.get((scope, id_, spec))
        return next(reversed(history.values())) if history else None

    def _prune(self, key: HistoryKey) -> None:
        history = self._histories[key]
        oldest = next(reversed(history.values())).end - self._span
        while next(iter(history.values())).end <= oldest:
            self._drop(key)
        while self._count > self._most or self._bytes > BYTES * self._most:
            self._drop(max(self._histories, key=lambda each: len(self._histories[each])))

    def _drop(self, key: HistoryKey) -> None:
        """The oldest of a history."""
        history = self._histories[key]
        _, oldest = history.popitem(last=False)
        if not history:
            del self._histories[key]
        self._count -= 1
        self._bytes -= len(oldest.value)
