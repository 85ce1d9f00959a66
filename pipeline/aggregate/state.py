"""What aggregate keeps in the topic `aggregate-state`, which is all that it knows when it starts anew. Pure."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from pipeline.aggregate.panes import Camera
from pipeline.aggregate.tally import Tally
from pipeline.messages import Record, Scope


class CameraRecord(Record):
    """A camera as it was at a tick. Stands in the partition that has the number of the camera's `emotion-events`."""

    site: str
    camera: str
    state: Camera

    @property
    def key(self) -> str:
        return f"events/{self.site}/{self.camera}"


class PanesRecord(Record):
    """What one tick of a camera means for one scope: the panes that changed. See panes.Tick."""

    scope: Scope
    site: str
    id: str
    camera: str
    as_of: datetime
    reached: datetime
    gone: bool
    over: bool
    panes: dict[datetime, Tally]

    @property
    def owner(self) -> str:
        """Decides the partition: all of a scope's records, and its windows, are one reader's."""
        return f"{self.scope}/{self.site}/{self.id}"

    @property
    def key(self) -> str:
        return f"panes/{self.owner}/{self.camera}/{self.as_of.isoformat()}"


class WindowState(Record):
    """Of an open window: what was told last."""

    spec: str
    start: datetime
    revision: int
    digest: str


class ScopeRecord(Record):
    """How far the windows of a scope were told."""

    scope: Scope
    site: str
    id: str
    told_to: datetime
    open: list[WindowState] = Field(default_factory=list)

    @property
    def owner(self) -> str:
        return f"{self.scope}/{self.site}/{self.id}"

    @property
    def key(self) -> str:
        return f"windows/{self.owner}"
