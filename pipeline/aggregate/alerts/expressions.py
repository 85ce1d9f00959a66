"""One rule on the windows of one camera, zone or site: raised, followed and cleared. Pure.

A window that cannot be judged, because too little was seen or nobody, says nothing: it neither raises nor clears.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.aggregate.alerts.baseline import Baseline
from pipeline.aggregate.alerts.rules import Limits, Rule, really_seen
from pipeline.aggregate.alerts.runs import Run
from pipeline.aggregate.alerts.telling import NOT_JUDGED, again, alert_id, closed, due, words
from pipeline.aggregate.panes import EPOCH
from pipeline.messages import Alert, AlertState, ClearedBy, Usual, Window


@dataclass(slots=True)
class RuleState:
    """`measured`: what the baseline is of. `levels`: by window's end, those that a later window's change is from.

    `held`: windows beyond the limit while no alert stands; `calm`: those on the calm side while one does.
    `seen_to`, `judged_to`: end of the last window that was looked at, and that could be judged.
    """

    measured: str = ""
    baseline: Baseline = field(default_factory=Baseline)
    levels: dict[datetime, float] = field(default_factory=dict)
    held: Run = field(default_factory=Run)
    calm: Run = field(default_factory=Run)
    seen_to: datetime = EPOCH
    judged_to: datetime = EPOCH
    standing: Alert | None = None

    def forget(self) -> None:
        """What is usual, and what has held so far."""
        self.baseline, self.levels = Baseline(), {}
        self.held.reset()
        self.calm.reset()


def judge(rule: Rule, state: RuleState, window: Window, over: bool) -> Alert | None:
    """What the window means for the rule. Each is judged once, in the order of their ends.

    `over`: nothing is expected of its cameras any more, in good order. `state.standing` is the caller's to keep.
    """
    if window.end <= state.seen_to:
        return None
    state.seen_to = window.end
    if state.measured != rule.measured:
        state.forget()
        state.measured = rule.measured
    value = _value(rule, state, window)
    limits = rule.limits(state.baseline)
    if state.standing is None:
        told = _raised(rule, state, window, value, limits)
    else:
        told = _followed(rule, state, state.standing, window, value, limits, over)
    stands = state.standing is not None if told is None else told.state is not AlertState.CLEARED
    if value is not None and (limits is None or not (stands or limits.beyond(value))):
        rule.learn(state.baseline, value)
    return told


def _value(rule: Rule, state: RuleState, window: Window) -> float | None:
    """What the rule measures in the window; None where that cannot be told."""
    level = rule.level(window)
    if rule.settings.measure != "change":
        return level
    before = state.levels.get(window.start)
    state.levels = {end: known for end, known in state.levels.items() if end > window.start}
    if level is not None:
        state.levels[window.end] = level
    return None if level is None or before is None else round(level - before, 4)


def _raised(rule: Rule, state: RuleState, window: Window, value: float | None, limits: Limits | None) -> Alert | None:
    if value is None or limits is None:
        state.held.expire(window, rule.hold.patience)
        return None
    if not limits.beyond(value):
        state.held.reset()
        return None
    state.held.add(window, rule.hold.patience)
    if not rule.hold.reached(state.held):
        return None
    since, windows = state.held.since, state.held.windows
    state.held.reset()
    state.calm.reset()
    state.judged_to = window.end
    usual = _usual(rule, state.baseline)
    return Alert(
        scope=window.scope,
        site=window.site,
        id=window.id,
        alert_id=alert_id(rule.id, window.scope, window.site, window.id, since),
        update=0,
        rule=rule.id,
        title=rule.title,
        state=AlertState.RAISED,
        severity=rule.settings.severity,
        since=since,
        at=window.end,
        reason=f"{rule.title}: {words(rule, value, limits, None if usual is None else usual.mean)}",
        value=value,
        threshold=round(limits.limit, 4),
        baseline=usual,
        coverage=really_seen(window),
        cameras=dict.fromkeys(window.cameras, ""),
        windows=windows,
    )


def _followed(
    rule: Rule,
    state: RuleState,
    alert: Alert,
    window: Window,
    value: float | None,
    limits: Limits | None,
    over: bool,
) -> Alert | None:
    """An alert that stands: cleared, or something worth telling about it."""
    patience = rule.clear_hold.patience
    if value is not None and limits is not None:
        state.judged_to = window.end
        if limits.calm(value):
            state.calm.add(window, patience)
        else:
            state.calm.reset()
    elif over:
        state.calm.add(window, patience)
    else:
        state.calm.expire(window, patience)
    if rule.clear_hold.reached(state.calm):
        state.calm.reset()
        if value is None:
            return closed(alert, ClearedBy.NOTHING_EXPECTED, window.end)
        return again(
            alert,
            state=AlertState.CLEARED,
            cleared_by=ClearedBy.DATA,
            reason=f"{rule.title}: over, {words(rule, value)}",
            stale=False,
            **_now(window, value),
        )
    changes = due(alert, window.end)
    stale = window.end - state.judged_to > patience
    if stale != alert.stale:
        said = NOT_JUDGED if stale or value is None else f"judged again, {words(rule, value)}"
        changes = {**(changes or {}), "stale": stale, "reason": f"{rule.title}: {said}"}
    return None if changes is None else again(alert, **changes, **_now(window, value))


def _now(window: Window, value: float | None) -> dict[str, Any]:
    return {"at": window.end, "value": value, "coverage": really_seen(window)}


def _usual(rule: Rule, baseline: Baseline) -> Usual | None:
    if rule.settings.against == "absolute":
        return None
    return Usual(mean=round(baseline.mean, 4), deviation=round(baseline.deviation, 4), windows=baseline.windows)
