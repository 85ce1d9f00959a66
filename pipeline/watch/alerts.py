"""The alerts that stand, and those of the last hours. Pure, bounded by count."""

from __future__ import annotations

from collections import OrderedDict

from pipeline.messages import Alert, AlertState, Scope

STANDING = 2000
RECENT = 1000


class Alerts:
    """The last record of each alert."""

    def __init__(self) -> None:
        self._standing: OrderedDict[str, Alert] = OrderedDict()
        self._recent: OrderedDict[str, Alert] = OrderedDict()
        self.version = 0

    def add(self, alert: Alert) -> None:
        """What is known already, or newer, stays."""
        before = self._standing.get(alert.alert_id) or self._recent.get(alert.alert_id)
        if before is not None and before.update >= alert.update:
            return
        self.version += 1
        if alert.state is AlertState.CLEARED:
            self._standing.pop(alert.alert_id, None)
            self._recent[alert.alert_id] = alert
            self._recent.move_to_end(alert.alert_id)
            if len(self._recent) > RECENT:
                self._recent.popitem(last=False)
        else:
            self._standing[alert.alert_id] = alert
            if len(self._standing) > STANDING:
                self._standing.popitem(last=False)

    def standing(self) -> list[Alert]:
        """Newest first."""
        return sorted(self._standing.values(), key=lambda alert: (alert.since, alert.alert_id), reverse=True)

    def recent(self) -> list[Alert]:
        """Cleared ones, the one cleared last first."""
        return list(reversed(self._recent.values()))

    def about(self, scope: Scope, id_: str) -> list[Alert]:
        """Standing and cleared alerts that speak of this scope, or name this camera; newest first."""
        found = [a for a in (*self._standing.values(), *self._recent.values()) if concerns(a, scope, id_)]
        return sorted(found, key=lambda alert: (alert.since, alert.alert_id), reverse=True)


def concerns(alert: Alert, scope: Scope, id_: str) -> bool:
    return (alert.scope is scope and alert.id == id_) or (scope is Scope.CAMERA and id_ in alert.cameras)
