"""All alerts of one camera, zone or site: its rules on its windows, and what people ask of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.aggregate.alerts.absence import Absence, AbsenceState, watch, without
from pipeline.aggregate.alerts.commands import Acknowledge, Command, Forget, Silence, Silences
from pipeline.aggregate.alerts.expressions import RuleState, judge
from pipeline.aggregate.alerts.presence import Presence
from pipeline.aggregate.alerts.rules import Rule
from pipeline.aggregate.alerts.telling import again, closed
from pipeline.messages import Alert, AlertState, ClearedBy, OfScope, Scope, Window
from pipeline.settings import NO_DATA, AlertSettings


@dataclass(slots=True)
class AlertsState:
    """`offset`: of the record of the log that made it what it is; commands up to there are in it."""

    rules: dict[str, RuleState] = field(default_factory=dict)
    absence: AbsenceState = field(default_factory=AbsenceState)
    offset: int = -1


class Rules:
    """All rules of the settings. `absence`: the one that is built in, None when it is switched off."""

    def __init__(self, alerts: Sequence[AlertSettings] = (), absence: Absence | None = None) -> None:
        self.all = tuple(Rule(settings) for settings in alerts)
        self.absence = absence

    def of(self, scope: Scope, name: str) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.all if rule.applies(scope, name)}


class OwnerAlerts:
    """`state`: as it was stored last; `silences`: those of the partition."""

    def __init__(self, owner: OfScope, rules: Rules, silences: Silences, state: AlertsState | None = None) -> None:
        self.state = state or AlertsState()
        self._owner = owner
        self._rules = rules.of(owner.scope, owner.id)
        self._absence = rules.absence if owner.scope is Scope.SITE else None
        self._silences = silences

    def evaluate(self, window: Window, presences: Mapping[str, Presence], offset: int) -> list[Alert]:
        """What a window, as it was told first, means for the rules. Windows are given in the order they are told.

        `offset`: of the record that set it free.
        """
        told = [self._keep(alert) for alert in self._without_rule(window)]
        self.state.rules = {id_: state for id_, state in self.state.rules.items() if id_ in self._rules}
        over = window.coverage is None and all(presence.over for presence in presences.values())
        for rule in self._rules.values():
            if rule.settings.window == window.spec:
                alert = judge(rule, self.state.rules.setdefault(rule.id, RuleState()), window, over)
                told += [self._keep(alert)] if alert else []
        if self._absence is not None and self._absence.window == window.spec:
            told += [self._keep(alert) for alert in watch(self._absence, self.state.absence, window, presences)]
        self.state.offset = max(offset, self.state.offset)
        return told

    def command(self, command: Command, offset: int) -> list[Alert] | None:
        """What a command changes; None where it changes nothing. `offset`: where it stands in the log."""
        if offset <= self.state.offset:
            return None
        match command:
            case Acknowledge():
                told = [
                    again(alert, acknowledged_at=command.at, acknowledged_by=command.by)
                    for alert in self._standing()
                    if alert.alert_id == command.alert_id and alert.acknowledged_at is None
                ]
            case Silence():
                told = [
                    again(alert, silenced_until=command.until if command.holds else None, silenced_by=command.by)
                    for alert in self._standing()
                    if command.concerns(alert.rule, alert)
                ]
            case Forget():
                told = self._forgotten(command)
        forgotten = isinstance(command, Forget) and self._forget(command)
        if not told and not forgotten:
            return None
        self.state.offset = offset
        return [self._keep(alert) for alert in told]

    def _forgotten(self, command: Forget) -> list[Alert]:
        """Alerts that it closes, or takes cameras from."""
        told = []
        for alert in self._standing():
            if alert.rule == NO_DATA:
                told += without(alert, self._meant(command, alert.cameras))
            elif command.concerns(alert.rule, alert):
                told.append(closed(alert, ClearedBy.FORGOTTEN, alert.at))
        return told

    def _forget(self, command: Forget) -> bool:
        """What is usual, and cameras that give no data; whether there was any of it."""
        rules = [state for id_, state in self.state.rules.items() if command.concerns(id_, self._owner)]
        for state in rules:
            state.forget()
        cameras = self._meant(command, self.state.absence.cameras)
        self.state.absence.forget(cameras)
        return bool(rules or cameras)

    def _meant(self, command: Forget, cameras: Iterable[str]) -> list[str]:
        """Of these cameras, those whose absence is to be forgotten."""
        site = self._owner.site
        if command.concerns(NO_DATA, self._owner):
            return list(cameras)
        return [c for c in cameras if command.concerns(NO_DATA, OfScope(scope=Scope.CAMERA, site=site, id=c))]

    def _standing(self) -> list[Alert]:
        of_rules = [state.standing for _, state in sorted(self.state.rules.items()) if state.standing is not None]
        return [*of_rules, *(alert for _, alert in sorted(self.state.absence.standing.items()))]

    def _without_rule(self, window: Window) -> Iterator[Alert]:
        """Alerts whose rule is gone."""
        for alert in self._standing():
            if alert.rule not in self._rules and not (alert.rule == NO_DATA and self._absence is not None):
                yield closed(alert, ClearedBy.RULE, window.end)

    def _keep(self, alert: Alert) -> Alert:
        """The alert as it is told, which is what stands from now on."""
        if alert.state is AlertState.RAISED and (silence := self._silences.of(alert)) is not None:
            alert = alert.model_copy(update={"silenced_until": silence.until, "silenced_by": silence.by})
        stands = alert.state is not AlertState.CLEARED
        if alert.rule == NO_DATA:
            self.state.absence.standing.pop(alert.alert_id, None)
            if stands:
                self.state.absence.standing[alert.alert_id] = alert
        elif alert.rule in self.state.rules:
            self.state.rules[alert.rule].standing = alert if stands else None
        return alert
