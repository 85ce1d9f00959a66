"""Alerts from one record to the next: their ids, what follows from time alone, and their words. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from pipeline.aggregate.alerts.rules import Limits, Rule
from pipeline.messages import Alert, AlertState, ClearedBy, Scope

REMIND = timedelta(days=1)  # an alert that stands is told again after this
NOT_JUDGED = "cannot be judged: too little is seen, or no face; that is no sign of calm"
CLOSED = {
    ClearedBy.NOTHING_EXPECTED: "closed because its cameras were stopped; it was not seen to be over",
    ClearedBy.FORGOTTEN: "closed on request; it was not seen to be over",
    ClearedBy.RULE: "closed because the settings no longer have this rule; it was not seen to be over",
}


def alert_id(rule: str, scope: Scope, site: str, name: str, since: datetime) -> str:
    """The same for the same alert, whoever raises it and however often."""
    text = f"{rule}/{scope}/{site}/{name}/{since.isoformat()}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def again(alert: Alert, **changes: Any) -> Alert:
    """The alert's next record."""
    return alert.model_copy(update={"state": AlertState.UPDATED, **changes, "update": alert.update + 1})


def closed(alert: Alert, by: ClearedBy, at: datetime) -> Alert:
    """Its last record, when no data cleared it."""
    return again(alert, state=AlertState.CLEARED, cleared_by=by, at=at, reason=f"{alert.title}: {CLOSED[by]}")


def due(alert: Alert, at: datetime) -> dict[str, Any] | None:
    """What changes where time alone makes it worth telling, be it as a reminder; None where it does not."""
    if alert.silenced_until is not None and alert.silenced_until <= at:
        return {"silenced_until": None, "silenced_by": ""}
    return {} if at - alert.at >= REMIND else None


def words(rule: Rule, value: float, limits: Limits | None = None, usual: float | None = None) -> str:
    """What was measured, in plain words; with the limit, while it stands."""
    settings = rule.settings
    faces = f"apparent {_either(sorted(set(settings.expressions)))}"
    match settings.measure:
        case "share":
            text, of = f"{faces} in {value:.0%} of the readings", "{:.0%}"
        case "mean":
            text, of = f"mean score of {faces} {value:.2f}", "{:.2f}"
        case "change":
            text, of = f"share of {faces} changed by {value * 100:+.0f} points", "{:+.0%}"
    if limits is not None:
        text += f", {'more' if limits.above else 'less'} than {of.format(limits.limit)}"
    if usual is not None:
        text += f"; usual here: {of.format(usual)}"
    return text


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def counted(reasons: Iterable[str]) -> str:
    """`58 silent, 2 dark`, most frequent first."""
    all_of = list(reasons)
    kinds = sorted(set(all_of), key=lambda reason: (-all_of.count(reason), reason))
    return ", ".join(f"{all_of.count(reason)} {reason}" for reason in kinds)
