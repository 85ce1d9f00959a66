"""What people ask of alerts: records in every partition of `aggregate-state`, in order with what they act on. Pure."""

from __future__ import annotations

from datetime import datetime

from pipeline.messages import Alert, OfScope, Record, Scope


class Acknowledge(Record):
    """Somebody looks after it: it calls nobody any more."""

    alert_id: str
    at: datetime
    by: str

    @property
    def key(self) -> str:
        return f"acknowledge/{self.alert_id}/{self.at.isoformat()}"


class OnAlerts(Record):
    """Meant for the alerts of a rule, of a camera, zone or site, or both; None: of any."""

    at: datetime
    by: str
    rule: str | None = None
    scope: Scope | None = None
    site: str | None = None
    id: str | None = None

    def concerns(self, rule: str, owner: OfScope) -> bool:
        """Whether the rule's alerts of this camera, zone or site are meant."""
        return (
            self.rule in (None, rule)
            and self.scope in (None, owner.scope)
            and self.site in (None, owner.site)
            and self.id in (None, owner.id)
        )

    @property
    def target(self) -> str:
        return "/".join(part or "" for part in (self.rule, self.scope, self.site, self.id))


class Silence(OnAlerts):
    """Until then such alerts call nobody; they are told all the same. A later one for the same replaces it.

    One that is over when it is made ends the one before.
    """

    until: datetime
    reason: str = ""

    @property
    def holds(self) -> bool:
        return self.until > self.at

    @property
    def key(self) -> str:
        return f"silence/{self.target}/{self.at.isoformat()}"


class Forget(OnAlerts):
    """Such alerts are closed, and what is usual there is learned anew."""

    @property
    def key(self) -> str:
        return f"forget/{self.target}/{self.at.isoformat()}"


Command = Acknowledge | Silence | Forget


class Silences:
    """Those that were read so far: kept for as long as the topic keeps them, which a silence does not outlast."""

    def __init__(self) -> None:
        self._newest: dict[str, Silence] = {}  # by target

    def add(self, silence: Silence) -> None:
        self._newest[silence.target] = silence

    def of(self, alert: Alert) -> Silence | None:
        """The one that holds longest over the alert, by its own time; None where it calls."""
        concerned = [s for s in self._newest.values() if s.holds and s.concerns(alert.rule, alert)]
        holding = [silence for silence in concerned if silence.until > alert.at]
        return max(holding, key=lambda silence: (silence.until, silence.target), default=None)
