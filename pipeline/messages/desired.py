"""What a camera is to be: the control plane's only store."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from pipeline.messages.record import Record

Polygon = list[tuple[float, float]]


class Origin(StrEnum):
    """Who says what a camera is."""

    SETTINGS = "settings"  # the settings of a capture process, which runs it itself
    ADDED = "added"  # by the API or the command line; any capture process of the site may run it


class DesiredCamera(Record):
    """A camera as it is wanted, the last record of its key; a record without a value: it is wanted no more.

    `uri`: as in the settings, but never with a password; `credentials`: "env:NAME" of a variable that holds
    user:password where capture runs, "" for none. `masks`: parts of the picture that are blacked out before anything is
    published, corners as fractions of its width and height. Of a camera of origin "settings" only `paused` counts.
    """

    site: str
    id: str
    uri: str
    credentials: str = ""
    fps: float | None = Field(None, gt=0, le=240)
    loop: bool = False
    realtime: bool = True
    paused: bool = False
    masks: list[Polygon] = Field(default_factory=list)
    origin: Origin = Origin.ADDED
    changed_at: datetime
    changed_by: str = ""

    @property
    def key(self) -> str:
        return f"{self.site}/{self.id}"
