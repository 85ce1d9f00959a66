"""`emostream alerts`: what stands, and what people ask of it, written into the log that the aggregators read."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.aggregate import ask
from pipeline.aggregate.ask import LONGEST, Target, newest
from pipeline.console.audited import Change, audited
from pipeline.console.events import UNITS
from pipeline.console.listing import listing
from pipeline.errors import UsageError
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import Alert, AlertState, RoleStatus
from pipeline.settings import NO_DATA, KafkaSettings, Settings
from pipeline.topics import ALERTS, ROLES

TOLD_SECONDS = 15.0  # an aggregator that runs has told by then
COLOURS = {"critical": "red", "warning": "yellow", "info": "cyan"}


def show(kafka: KafkaSettings, everything: bool, as_json: bool, console: Console) -> None:
    """Print the alerts that stand, or `everything` that is kept; newest last."""
    alerts = sorted(newest(kafka).values(), key=lambda alert: (alert.since, alert.alert_id))
    chosen = [alert for alert in alerts if everything or alert.state is not AlertState.CLEARED]
    if as_json:
        sys.stdout.writelines(json.dumps(alert.model_dump(mode="json"), ensure_ascii=False) + "\n" for alert in chosen)
    elif not chosen:
        console.print("no alert" if everything else "no alert stands")
    else:
        console.print(_table(chosen))


def _table(alerts: Iterable[Alert]) -> Table:
    table = listing(("alert", "since", "severity"), ("where", "state", "what"))
    for alert in alerts:
        severity = Text(alert.severity, style=COLOURS.get(alert.severity, ""))
        since = alert.since.astimezone().strftime("%d %b %H:%M")
        table.add_row(alert.alert_id, since, severity, f"{alert.scope} {alert.id}", _state(alert), Text(alert.reason))
    return table


def _state(alert: Alert) -> str:
    if alert.state is AlertState.CLEARED:
        return f"cleared ({alert.cleared_by})"
    words = ["stands"]
    if alert.acknowledged_at is not None:
        words.append(f"acknowledged by {alert.acknowledged_by}")
    if alert.silenced_until is not None:
        words.append(f"silenced until {alert.silenced_until.astimezone().strftime('%d %b %H:%M')}")
    if alert.stale:
        words.append("not judged now")
    return ", ".join(words)


def show_rules(settings: Settings, console: Console) -> None:
    """Print the rules of the settings."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("rule", "of each", "window", "raised", "severity"):
        table.add_column(heading)
    absent = settings.no_data
    if absent.enabled:
        window = absent.window or settings.aggregate.windows[0].name
        raised = f"less than {absent.below:.0%} of the expected frames really seen, for {absent.for_seconds} s"
        table.add_row(NO_DATA, "camera; site where they go together", window, raised, absent.severity)
    for rule in settings.alerts:
        limit = f"above {rule.above:g}" if rule.above is not None else f"below {rule.below:g}"
        unit = " deviations from what is usual there" if rule.against == "baseline" else ""
        raised = f"{rule.measure} of {' + '.join(rule.expressions)} {limit}{unit}, for {rule.for_seconds} s"
        whose = f"{rule.scope}: {', '.join(rule.only)}" if rule.only else rule.scope
        table.add_row(rule.id, whose, rule.window, raised, rule.severity)
    console.print(table)


def acknowledge(settings: Settings, wanted: str, by: str) -> str:
    """Somebody looks after an alert. `wanted`: its id, or how it begins. What came of it, in words."""
    with audited(settings, Change("alert.acknowledge", f"alert/{wanted}", by)) as change:
        alert = _find(newest(settings.kafka), wanted)
        change.target, change.after = f"alert/{alert.alert_id}", {"rule": alert.rule, "of": alert.owner}
        if alert.acknowledged_at is not None:
            change.reason = f"{alert.alert_id} was acknowledged by {alert.acknowledged_by} already"
            return change.reason
        return _acknowledge(settings, alert, by)


def _acknowledge(settings: Settings, alert: Alert, by: str) -> str:
    with Reader(settings.kafka, [ALERTS]) as reader:
        reader.from_end()
        ask.acknowledge(settings.kafka, alert.alert_id, by, datetime.now(UTC))
        give_up = time.monotonic() + TOLD_SECONDS
        while time.monotonic() < give_up:
            for told in map(parse, reader.poll(0.2)):
                if isinstance(told, Alert) and told.alert_id == alert.alert_id and told.acknowledged_at is not None:
                    return f"{alert.alert_id} is acknowledged: {told.reason}"
    return f"{alert.alert_id}: asked for, but no aggregator has told of it yet; it will when it runs"


def silence(settings: Settings, target: Target, lasts: str, by: str, reason: str) -> str:
    """Such alerts call nobody for a while."""
    now = datetime.now(UTC)
    with audited(settings, Change("alerts.silence", target.place, by, reason)) as change:
        target.check(settings)
        _check_site(settings)
        until = now + duration(lasts)
        ask.silence(settings.kafka, target, until, by, reason, now)
        change.after = {"rule": target.rule, "until": until.isoformat()}
    return (
        f"{target} silenced until {until.astimezone():%d %b %H:%M}" if until > now else f"{target} no longer silenced"
    )


def forget(settings: Settings, target: Target, by: str) -> str:
    """Such alerts are closed, and what is usual is learned anew."""
    with audited(settings, Change("alerts.forget", target.place, by)) as change:
        target.check(settings)
        _check_site(settings)
        ask.forget(settings.kafka, target, by, datetime.now(UTC))
        change.after = {"rule": target.rule}
    return f"{target} closed; what is usual is learned anew"


def _check_site(settings: Settings) -> None:
    """Raises UsageError where aggregators of other sites alone are known: nobody would hear."""
    with Reader(settings.kafka, [ROLES]) as reader:
        reader.from_beginning()
        signs = [parse(record) for record in reader.to_end() if record.value is not None]
    sites = {sign.site for sign in signs if isinstance(sign, RoleStatus) and sign.role == "aggregate"}
    if sites and settings.site not in sites:
        said = f"site: no aggregator of {settings.site} is known to Kafka at {settings.kafka.bootstrap}"
        raise UsageError(f"{said}, only of {', '.join(sorted(sites))}", "name the site's settings file with -c")


def duration(text: str) -> timedelta:
    """`90s`, `10m`, `2h`, at most a day; 0s ends a silence. Raises UsageError."""
    unit = UNITS.get(text[-1:])
    try:
        lasts = timedelta(**{unit: float(text[:-1])}) if unit else None
    except (ValueError, OverflowError):
        lasts = None
    if lasts is None or lasts < timedelta(0):
        raise UsageError(f"--for: {text!r} is no time", "90s, 10m, 2h")
    if lasts > LONGEST:
        raise UsageError(f"--for: {text} is longer than a day", "what is silenced for longer is forgotten; 24h at most")
    return lasts


def _find(alerts: dict[str, Alert], wanted: str) -> Alert:
    """Raises UsageError when none, or more than one, stands whose id begins so."""
    found = [alert for alert_id, alert in alerts.items() if wanted and alert_id.startswith(wanted)]
    hint = "`emostream alerts list` names those that stand"
    if not found:
        raise UsageError(f"no alert {wanted!r} is known", hint)
    if len(found) > 1:
        raise UsageError(f"{len(found)} alerts begin with {wanted!r}", hint)
    if found[0].state is AlertState.CLEARED:
        raise UsageError(f"alert {found[0].alert_id} is cleared already", hint)
    return found[0]
