"""Absence of data: cameras of which too little is really seen, told together where they went together. Pure.

A site's windows hold the coverage of each of its cameras, so one broken switch is seen as one thing: cameras that lose
their data shortly one after the other are one alert of the site, which names them and follows how they come back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from pipeline.aggregate.alerts.presence import IN_ORDER, SILENT, Presence
from pipeline.aggregate.alerts.rules import really_seen
from pipeline.aggregate.alerts.runs import Hold, Run
from pipeline.aggregate.alerts.telling import CLOSED, again, alert_id, closed, counted, due
from pipeline.aggregate.panes import EPOCH
from pipeline.aggregate.windows import Spec
from pipeline.messages import Alert, AlertState, ClearedBy, Scope, Window
from pipeline.settings import NO_DATA, NoDataSettings

BACK = "back"
FORGOTTEN = "forgotten"
OVER = (BACK, FORGOTTEN, *IN_ORDER)  # of a camera that an alert names: it is away no longer
TITLE = "No usable pictures"


@dataclass(slots=True)
class Away:
    """A camera without data. `away`: its windows without, `back`: with data again; `alert`: the one that names it."""

    away: Run = field(default_factory=Run)
    back: Run = field(default_factory=Run)
    alert: str = ""


@dataclass(slots=True)
class AbsenceState:
    """`forgotten`: cameras that nobody wants to hear of any more, until they are seen again."""

    cameras: dict[str, Away] = field(default_factory=dict)
    standing: dict[str, Alert] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    seen_to: datetime = EPOCH

    def forget(self, cameras: Collection[str]) -> None:
        for camera in cameras:
            del self.cameras[camera]
        self.forgotten = sorted({*self.forgotten, *cameras})


class Absence:
    """The rule as the settings say it. `spec`: the kind of window it looks at."""

    def __init__(self, settings: NoDataSettings, spec: Spec) -> None:
        self.settings = settings
        self.window = str(spec)
        self.hold = Hold.of(settings.for_seconds, spec)
        self.clear_hold = Hold.of(settings.clear_for_seconds, spec)
        self.near = timedelta(seconds=settings.group_seconds)


def watch(rule: Absence, state: AbsenceState, window: Window, presences: Mapping[str, Presence]) -> list[Alert]:
    """What a site's window means. `state.standing` is the caller's to keep."""
    if window.end <= state.seen_to:
        return []
    state.seen_to = window.end
    _count(rule, state, window, presences)
    _release(rule, state)
    _join(rule, state)
    raised = [_raise(rule, state, names, window, presences) for names in _clusters(rule, state)]
    followed = [_follow(state, alert, window, presences) for _, alert in sorted(state.standing.items())]
    return [*raised, *(alert for alert in followed if alert is not None)]


def _count(rule: Absence, state: AbsenceState, window: Window, presences: Mapping[str, Presence]) -> None:
    for camera, presence in presences.items():
        if presence.seen is None and not presence.over:
            continue
        if presence.seen is not None and presence.seen < rule.settings.below:
            if camera not in state.forgotten:
                away = state.cameras.setdefault(camera, Away())
                away.back.reset()
                if not away.alert:  # else it is settled when it went
                    away.away.add(window, rule.hold.patience)
            continue
        if camera in state.forgotten:
            state.forgotten.remove(camera)
        known = state.cameras.get(camera)
        if known is not None and known.alert:
            known.back.add(window, rule.clear_hold.patience)
        elif known is not None:
            del state.cameras[camera]


def _release(rule: Absence, state: AbsenceState) -> None:
    """Cameras whose data has been back for long enough are away no longer."""
    for camera in [name for name, away in state.cameras.items() if rule.clear_hold.reached(away.back)]:
        del state.cameras[camera]


def _lost(rule: Absence, state: AbsenceState) -> dict[str, Away]:
    """Cameras that have been away for long enough, and that no alert names."""
    return {name: a for name, a in sorted(state.cameras.items()) if not a.alert and rule.hold.reached(a.away)}


def _join(rule: Absence, state: AbsenceState) -> None:
    """Cameras that went soon after those of a group, or were among them before, are part of it."""
    for camera, away in _lost(rule, state).items():
        for group, alert in sorted(state.standing.items()):
            onsets = [other.away.since for other in state.cameras.values() if other.alert == group]
            near = bool(onsets) and abs(away.away.since - max(onsets)) <= rule.near
            if alert.scope is Scope.SITE and (near or camera in alert.cameras):
                away.alert = group
                break


def _clusters(rule: Absence, state: AbsenceState) -> Iterator[list[str]]:
    """Cameras to raise an alert of, by the time they went: groups that are large enough, and single ones.

    In a group are also those that went only just, and those of which an alert of their own is told already.
    """
    lost = _lost(rule, state)
    groups = {group for group, alert in state.standing.items() if alert.scope is Scope.SITE}
    pool = sorted((away.away.since, camera) for camera, away in state.cameras.items() if away.alert not in groups)
    cluster: list[str] = []
    for (since, camera), following in zip_longest(pool, pool[1:]):
        cluster.append(camera)
        if following is not None and following[0] - since <= rule.near:
            continue
        if len(cluster) >= rule.settings.group_at and not lost.keys().isdisjoint(cluster):
            yield cluster
        else:
            yield from ([name] for name in cluster if name in lost)
        cluster = []


def _raise(
    rule: Absence, state: AbsenceState, names: Sequence[str], window: Window, presences: Mapping[str, Presence]
) -> Alert:
    """One alert of these cameras, the first of which went first."""
    first = state.cameras[names[0]].away
    scope, name = (Scope.SITE, window.id) if len(names) > 1 else (Scope.CAMERA, names[0])
    id_ = alert_id(NO_DATA, scope, window.site, name, first.since)
    for camera in names:
        state.cameras[camera].alert = id_
    cameras = {camera: _why(presences, camera) for camera in sorted(names)}
    return Alert(
        scope=scope,
        site=window.site,
        id=name,
        alert_id=id_,
        update=0,
        rule=NO_DATA,
        title=TITLE,
        state=AlertState.RAISED,
        severity=rule.settings.severity,
        since=first.since,
        reason=_words(cameras),
        threshold=rule.settings.below,
        cameras=cameras,
        windows=first.windows,
        **_now(scope, cameras, window, presences),
    )


def _follow(state: AbsenceState, alert: Alert, window: Window, presences: Mapping[str, Presence]) -> Alert | None:
    """An alert that stands: cameras may have come or gone."""
    away = {camera for camera, known in state.cameras.items() if known.alert == alert.alert_id}
    before = {camera for camera, why in alert.cameras.items() if why not in OVER}
    if not away and before <= state.cameras.keys():
        group = state.cameras[min(before)].alert
        said = f"{TITLE}: goes on as {group}, with others"
        return again(alert, state=AlertState.CLEARED, cleared_by=ClearedBy.GROUPED, at=window.end, reason=said)
    changes = due(alert, window.end)
    if away == before and changes is None:
        return None
    over = {camera: presences[camera].why if presences[camera].over else BACK for camera in before - away}
    cameras = dict(sorted((alert.cameras | over | {camera: _why(presences, camera) for camera in away}).items()))
    now = {
        **(changes or {}),
        "cameras": cameras,
        "reason": _words(cameras),
        **_now(alert.scope, away, window, presences),
    }
    if away:
        return again(alert, **now)
    by = ClearedBy.DATA if BACK in cameras.values() else ClearedBy.NOTHING_EXPECTED
    return again(alert, **now, state=AlertState.CLEARED, cleared_by=by)


def without(alert: Alert, names: Collection[str]) -> list[Alert]:
    """The alert when these cameras are to be heard of no more: nothing to tell where it is not about them."""
    cameras = {name: FORGOTTEN if name in names and why not in OVER else why for name, why in alert.cameras.items()}
    if cameras == alert.cameras:
        return []
    if all(why in OVER for why in cameras.values()):
        return [closed(alert, ClearedBy.FORGOTTEN, alert.at).model_copy(update={"cameras": cameras})]
    return [again(alert, cameras=cameras, reason=_words(cameras))]


def _why(presences: Mapping[str, Presence], camera: str) -> str:
    return presences[camera].why if camera in presences else SILENT


def _words(cameras: Mapping[str, str]) -> str:
    away = [why for why in cameras.values() if why not in OVER]
    whose = f"camera {min(cameras)}" if len(cameras) == 1 else f"{len(cameras)} cameras"
    if not away:
        again_ = BACK in cameras.values()
        return f"{TITLE}: over, {whose}: pictures again" if again_ else f"{TITLE}: {CLOSED[ClearedBy.NOTHING_EXPECTED]}"
    if len(cameras) == 1:
        return f"{TITLE}: {whose}: {away[0]}"
    return (
        f"{TITLE}: {len(away)} of {whose}: {counted(away)}"
        if len(away) < len(cameras)
        else f"{TITLE}: {whose}: {counted(away)}"
    )


def _now(scope: Scope, away: Collection[str], window: Window, presences: Mapping[str, Presence]) -> dict[str, Any]:
    """`value`: what is seen of the cameras that are away, or were, on average."""
    seen = [presences[camera].seen or 0.0 for camera in away if camera in presences]
    value = round(sum(seen) / len(seen), 4) if seen else None
    return {"at": window.end, "value": value, "coverage": really_seen(window) if scope is Scope.SITE else value}
