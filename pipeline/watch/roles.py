"""The processes of the system, by the signs of life they give. Pure, bounded by count."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.messages import RoleState, RoleStatus

MOST = 1000
LATE = timedelta(seconds=20)  # they come every five
FORGOTTEN = timedelta(hours=24)
FORGOTTEN_STOPPED = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class RoleNow:
    """A process. `heard_at`: when its last sign of life came. `silent`: more than some are late."""

    status: RoleStatus
    heard_at: datetime
    silent: bool


class Roles:
    def __init__(self) -> None:
        self._last: OrderedDict[str, tuple[RoleStatus, datetime]] = OrderedDict()

    def add(self, status: RoleStatus, at: datetime) -> None:
        self._last[status.key] = (status, at)
        self._last.move_to_end(status.key)
        if len(self._last) > MOST:
            self._last.popitem(last=False)

    def now(self, now: datetime) -> list[RoleNow]:
        """By role and instance, without those that are long gone."""
        found = []
        for _, (status, at) in sorted(self._last.items()):
            stopped = status.state is RoleState.STOPPED
            if now - at < (FORGOTTEN_STOPPED if stopped else FORGOTTEN):
                found.append(RoleNow(status, at, silent=not stopped and now - at > LATE))
        return found
