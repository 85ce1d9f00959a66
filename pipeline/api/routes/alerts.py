"""Alerts: those that stand and those of the last hours, and what people ask of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from pipeline.access import Caller
from pipeline.aggregate.ask import LONGEST, Target
from pipeline.api.audited import Deed
from pipeline.api.desk import AtDesk, By, Desk
from pipeline.api.problems import Refused
from pipeline.api.shapes import Alerts, AlertsAsked, Forgetting, Silencing, Taken, Why
from pipeline.errors import UsageError
from pipeline.messages import Alert, AlertState
from pipeline.watch.site import SiteView

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])

AlertId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="the alert's id")]


@router.get("")
async def list_alerts(desk: AtDesk, asked: Annotated[AlertsAsked, Query()]) -> Alerts:
    """The last record of each, newest first."""
    return Alerts(alerts=desk.look(lambda view: _alerts(view, asked.which))[: asked.limit])


@router.post("/silence", status_code=HTTPStatus.ACCEPTED)
async def silence_alerts(desk: AtDesk, by: By, asked: Silencing) -> Taken:
    """Such alerts call nobody until then; they are told all the same."""
    return await desk.changes.run(_silence, desk, by, asked)


@router.post("/forget", status_code=HTTPStatus.ACCEPTED)
async def forget_alerts(desk: AtDesk, by: By, asked: Forgetting) -> Taken:
    """Such alerts are closed, and what is usual there is learned anew: somebody else lives there, a camera is gone."""
    return await desk.changes.run(_forget, desk, by, asked)


@router.post("/{alert_id}/acknowledge", status_code=HTTPStatus.ACCEPTED)
async def acknowledge_alert(desk: AtDesk, by: By, alert_id: AlertId, why: Why) -> Taken:
    """Somebody looks after it: it calls nobody any more."""
    return await desk.changes.run(_acknowledge, desk, by, alert_id, why.reason)


def _alerts(view: SiteView, which: str) -> list[Alert]:
    standing = view.alerts.standing() if which != "cleared" else []
    return standing + (view.alerts.recent() if which != "standing" else [])


def _acknowledge(desk: Desk, by: Caller, alert_id: str, reason: str) -> Taken:
    now = desk.parts.now()
    deed = Deed(by, "alert.acknowledge", f"alert/{alert_id}", reason)
    alerts = {alert.alert_id: alert for alert in desk.look(lambda view: _alerts(view, "all"))}
    with desk.audited.refusing(deed):
        alert = alerts.get(alert_id)
        if alert is None:
            raise Refused(HTTPStatus.NOT_FOUND, f"no alert {alert_id} is known")
        if alert.state is AlertState.CLEARED:
            raise Refused(HTTPStatus.CONFLICT, f"alert {alert_id} is cleared already")
    desk.audited.do(deed, lambda: desk.parts.asking.acknowledge(alert_id, by.name, now))
    return Taken(asked_at=now)


def _silence(desk: Desk, by: Caller, asked: Silencing) -> Taken:
    now = desk.parts.now()
    target = Target(desk.parts.settings.site, asked.rule, asked.scope, asked.id)
    deed = Deed(by, "alerts.silence", target.place, asked.reason, after=asked)
    with desk.audited.refusing(deed):
        target.check(desk.parts.settings)
        if asked.until > now + LONGEST:
            raise UsageError("until: more than a day from now", "what is silenced for longer is forgotten")
    desk.audited.do(deed, lambda: desk.parts.asking.silence(target, max(asked.until, now), by.name, asked.reason, now))
    return Taken(asked_at=now)


def _forget(desk: Desk, by: Caller, asked: Forgetting) -> Taken:
    now = desk.parts.now()
    target = Target(desk.parts.settings.site, asked.rule, asked.scope, asked.id)
    deed = Deed(by, "alerts.forget", target.place, asked.reason, after=asked)
    with desk.audited.refusing(deed):
        target.check(desk.parts.settings)
    desk.audited.do(deed, lambda: desk.parts.asking.forget(target, by.name, now))
    return Taken(asked_at=now)
