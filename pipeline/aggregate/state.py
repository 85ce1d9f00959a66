"""What aggregate keeps in the topic `aggregate-state`, which is all that it knows when it starts anew. Pure."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from pipeline.aggregate.alerts.commands import Acknowledge, Forget, Silence
from pipeline.aggregate.alerts.owner import AlertsState
from pipeline.aggregate.panes import Camera
from pipeline.aggregate.release import Group
from pipeline.aggregate.tally import Tally
from pipeline.messages import OfScope, Record


class CameraRecord(Record):
    """A camera as it was at a tick. Stands in the partition that has the number of the camera's `emotion-events`."""

    site: str
    camera: str
    state: Camera

    @property
    def key(self) -> str:
        return f"events/{self.site}/{self.camera}"


class PanesRecord(OfScope):
    """What one tick of a camera means for one scope: the panes that changed. See panes.Tick.

    `left`: why nothing more comes of the camera, in the record with which it went; else "". A tick of very many panes
    is in several parts, of which the last one makes them count; `more`: another one follows. Where few people could be
    told from differences, all scopes of a site are told of together, in the record for the site: `zones` are theirs.
    """

    camera: str
    as_of: datetime
    reached: datetime
    gone: bool
    over: bool
    left: str = ""
    part: int = 0
    more: bool = False
    panes: dict[datetime, Tally]
    zones: dict[str, dict[datetime, Tally]] = Field(default_factory=dict)

    @property
    def key(self) -> str:
        part = f"/{self.part}" if self.part else ""
        return f"panes/{self.owner}/{self.camera}/{self.as_of.isoformat()}{part}"


class WindowState(Record):
    """Of an open window: what was told last."""

    spec: str
    start: datetime
    revision: int
    digest: str


class ScopeRecord(OfScope):
    """How far the windows of a scope were told, and what its alerts know by then."""

    told_to: datetime
    open: list[WindowState] = Field(default_factory=list)
    alerts: AlertsState = Field(default_factory=AlertsState)

    @property
    def key(self) -> str:
        return f"windows/{self.owner}"


class ReleaseRecord(Record):
    """Of a site: what its windows that were told are sums of. See release.py."""

    site: str
    groups: list[Group]

    @property
    def key(self) -> str:
        return f"release/{self.site}"


State = CameraRecord | PanesRecord | ScopeRecord | ReleaseRecord | Acknowledge | Silence | Forget
KINDS: dict[str, type[State]] = {
    "events": CameraRecord,
    "panes": PanesRecord,
    "windows": ScopeRecord,
    "release": ReleaseRecord,
    "acknowledge": Acknowledge,
    "silence": Silence,
    "forget": Forget,
}
"""By the first part of the key."""
