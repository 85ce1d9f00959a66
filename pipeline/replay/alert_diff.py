"""Alerts that a replay raises and that were not raised the first time, and the other way round. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.messages import Alert, AlertState
from pipeline.replay.window_diff import EVER, Owner


@dataclass(slots=True)
class AlertComparison:
    """Of alerts that were raised: an alert that is raised by the same rule in the same window has the same id.

    Compared are those of which all records were replayed, as windows are. `since`, `told_to`: see WindowComparison.
    """

    since: Mapping[Owner, datetime]
    told_to: Mapping[Owner, datetime]
    _first: dict[str, str] = field(default_factory=dict)  # rules by alert
    _again: dict[str, str] = field(default_factory=dict)

    def first(self, alert: Alert) -> None:
        self._add(self._first, alert)

    def again(self, alert: Alert) -> None:
        self._add(self._again, alert)

    def report(self) -> dict[str, Any]:
        """Counts by rule."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for alert_id, rule in {**self._first, **self._again}.items():
            both = alert_id in self._first and alert_id in self._again
            counts[rule]["both" if both else "only_first" if alert_id in self._first else "only_replay"] += 1
        kinds = ("both", "only_first", "only_replay")
        return {rule: {kind: count[kind] for kind in kinds} for rule, count in sorted(counts.items())}

    def _add(self, alerts: dict[str, str], alert: Alert) -> None:
        owner = alert.scope, alert.site, alert.id
        whole = self.since.get(owner, EVER) <= alert.since and alert.at <= self.told_to.get(owner, EVER)
        if alert.state is AlertState.RAISED and whole:
            alerts[alert.alert_id] = alert.rule
