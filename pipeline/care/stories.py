"""Alerts of a place as what was known when, and what people did about it. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.care.timeline import Place
from pipeline.messages import Alert, AlertState, AuditOutcome, AuditRecord, ClearedBy, Scope, Window
from pipeline.settings import NO_DATA

TOLD_ELSEWHERE = frozenset({"alert.acknowledge"})  # with the alert itself


@dataclass(frozen=True)
class Story:
    """One alert. `reason` and `coverage` as they were told first; `revised`: windows behind it told otherwise since.

    `where`: of what it is, where that is not the report's own place.
    """

    alert_id: str
    rule: str
    title: str
    severity: str
    where: str
    since: dt.datetime
    raised: dt.datetime
    reason: str
    coverage: float | None
    revised: int
    acknowledged: dt.datetime | None
    acknowledged_by: str
    silenced_by: str
    cleared: dt.datetime | None
    cleared_by: ClearedBy | None

    @property
    def stands(self) -> bool:
        return self.cleared is None


@dataclass(frozen=True)
class Deed:
    """Something that somebody changed. `action`, `target`: see AuditRecord."""

    at: dt.datetime
    who: str
    action: str
    target: str
    reason: str


def stories(
    place: Place, alerts: Iterable[Alert], windows: Iterable[Window], start: dt.datetime, end: dt.datetime
) -> tuple[Story, ...]:
    """Alerts of the place that stood at some moment of a time, in the order in which they were raised.

    One that went on as part of another is not told: the other one is.
    """
    told: dict[str, dict[int, Alert]] = {}
    for alert in alerts:
        told.setdefault(alert.alert_id, {})[alert.update] = alert
    revisions: dict[str, int] = {}
    for window in windows:
        revisions[window.key] = max(window.revision, revisions.get(window.key, 0))
    found = []
    for records in told.values():
        first, last = records[min(records)], records[max(records)]
        over = last.state is AlertState.CLEARED
        if last.cleared_by is ClearedBy.GROUPED:
            continue
        if first.at < end and not (over and last.at <= start) and any(_concerns(place, a) for a in records.values()):
            found.append(_story(place, first, last, revisions))
    return tuple(sorted(found, key=lambda story: (story.raised, story.alert_id)))


def deeds(place: Place, audit: Iterable[AuditRecord], start: dt.datetime, end: dt.datetime) -> tuple[Deed, ...]:
    """What was done to the place and its cameras in a time. Refused attempts changed nothing."""
    names = {place.id, *place.cameras, *place.zones}
    chosen = {
        record.event_id: record
        for record in audit
        if record.site == place.site
        and record.outcome is AuditOutcome.DONE
        and start <= record.at < end
        and record.target.partition("/")[2] in names
        and record.action not in TOLD_ELSEWHERE
    }
    ordered = sorted(chosen.values(), key=lambda record: (record.at, record.event_id))
    return tuple(Deed(each.at, each.who, each.action, each.target, each.reason) for each in ordered)


def _story(place: Place, first: Alert, last: Alert, revisions: Mapping[str, int]) -> Story:
    own = first.scope is place.scope and first.id == place.id
    return Story(
        alert_id=first.alert_id,
        rule=first.rule,
        title=first.title or first.rule,
        severity=first.severity,
        where="" if own else f"{first.scope} {first.id}",
        since=first.since,
        raised=first.at,
        reason=first.reason,
        coverage=first.coverage,
        revised=sum(revisions.get(ref.key, ref.revision) > ref.revision for ref in first.windows),
        acknowledged=last.acknowledged_at,
        acknowledged_by=last.acknowledged_by,
        silenced_by=last.silenced_by,
        cleared=last.at if last.state is AlertState.CLEARED else None,
        cleared_by=last.cleared_by if last.state is AlertState.CLEARED else None,
    )


def _concerns(place: Place, alert: Alert) -> bool:
    if alert.site != place.site:
        return False
    if alert.scope is place.scope and alert.id == place.id:
        return True
    match alert.scope:
        case Scope.CAMERA:
            return alert.id in place.cameras
        case Scope.ZONE:
            return alert.id in place.zones
        case Scope.SITE:  # of a site's rules, only that its cameras give nothing is about this place
            return alert.rule == NO_DATA and not place.cameras.isdisjoint(alert.cameras)
