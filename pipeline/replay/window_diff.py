"""What a replay of observations makes otherwise of the windows: figures of the same window, side by side. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipeline.messages import Scope, Window
from pipeline.replay.distance import Distances

Key = tuple[str, bool]  # of a window, and whether it is its last revision
Owner = tuple[Scope, str, str]
NOT_COMPARED = frozenset({"schema_version", "revision", "as_of"})
"""How often a window was told, and when, is no part of what it tells."""
EVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class WindowChanges:
    """Of some windows. `fields`: in how many of them each was another."""

    same: int = 0
    different: int = 0
    only_first: int = 0
    only_replay: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    coverage: list[float] = field(default_factory=list)  # differences
    shares: Distances = field(default_factory=Distances)
    scores: Distances = field(default_factory=Distances)

    def compare(self, first: Window, again: Window) -> None:
        ours, theirs = (window.model_dump(exclude=set(NOT_COMPARED)) for window in (first, again))
        other = [name for name in ours if ours[name] != theirs[name]]
        self.fields.update(other)
        self.same += not other
        self.different += bool(other)
        if first.coverage is not None and again.coverage is not None:
            self.coverage.append(abs(first.coverage - again.coverage))
        if first.label_share is not None and again.label_share is not None:
            self.shares.add(first.label_share, again.label_share)
        if first.scores_mean is not None and again.scores_mean is not None:
            self.scores.add(first.scores_mean, again.scores_mean)

    def report(self) -> dict[str, Any]:
        mean = sum(self.coverage) / len(self.coverage) if self.coverage else None
        return {
            "same": self.same,
            "different": self.different,
            "only_first": self.only_first,
            "only_replay": self.only_replay,
            "fields": dict(sorted(self.fields.items())),
            "coverage": {
                "mean_difference": None if mean is None else round(mean, 6),
                "max_difference": round(max(self.coverage), 6) if self.coverage else None,
            },
            "label_share": self.shares.report(),
            "scores_mean": self.scores.report(),
        }


@dataclass(slots=True)
class WindowComparison:
    """Windows of both runs, by key and whether they are final; of several revisions, the last one given counts.

    Compared are those that the replay could tell of from all of their records: that begin at `since` of their scope or
    later, and that were told as of `told_to` or earlier. A window that is told only while it is open is not missing
    where its last revision is there: Kafka keeps no other one for long.
    """

    since: dict[Owner, datetime] = field(default_factory=dict)
    told_to: dict[Owner, datetime] = field(default_factory=dict)
    _first: dict[Key, bytes] = field(default_factory=dict)
    _again: dict[Key, bytes] = field(default_factory=dict)

    def first(self, window: Window) -> None:
        self._first[window.key, window.final] = window.encode()

    def again(self, window: Window) -> None:
        self._again[window.key, window.final] = window.encode()

    def report(self) -> dict[str, Any]:
        kinds: dict[str, WindowChanges] = defaultdict(WindowChanges)
        not_compared = 0
        for key in sorted({*self._first, *self._again}):
            first, again = (runs.get(key) for runs in (self._first, self._again))
            window = Window.decode(again or first)
            changes = kinds[f"{window.scope} {window.spec}"]
            if not self._whole(window):
                not_compared += 1
            elif first and again:
                changes.compare(Window.decode(first), window)
            elif first:
                changes.only_first += not self._has_final(self._again, key)
            else:
                changes.only_replay += not self._has_final(self._first, key)
        reports = {kind: changes.report() for kind, changes in sorted(kinds.items())}
        totals = {name: sum(each[name] for each in reports.values()) for name in ("same", "different")}
        only = {name: sum(each[name] for each in reports.values()) for name in ("only_first", "only_replay")}
        return {"windows": {**totals, **only, "not_compared": not_compared}, "kinds": reports}

    def _whole(self, window: Window) -> bool:
        owner = window.scope, window.site, window.id
        return self.since.get(owner, EVER) <= window.start and window.as_of <= self.told_to.get(owner, EVER)

    def _has_final(self, windows: dict[Key, bytes], key: Key) -> bool:
        return (key[0], True) in windows
