"""What was seen of faces in ten seconds, as sums: all that leaves an analyzer where no record of a face may."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from pipeline.messages.record import Record


class Crowd(BaseModel):
    """The faces of one part of a camera's picture: of that which these zones hold, and no other.

    Faces are counted once a frame they are seen in. `labels`: how many were told as each expression; `scores`: sums
    over these. `abstained`: those that were not told, by reason. `tracks`: told ones, of which `new` were told there
    for the first time; `new` is 0 where nobody can know.
    """

    model_config = ConfigDict(frozen=True)
    zones: list[str] = Field(default_factory=list)
    faces: int = Field(ge=0)
    labels: dict[str, int] = Field(default_factory=dict)
    scores: dict[str, float] = Field(default_factory=dict)
    abstained: dict[str, int] = Field(default_factory=dict)
    tracks: int = Field(ge=0)
    new: int = Field(ge=0)


class CrowdRecord(Record):
    """A camera's faces from `start` on, for ten seconds. `tracks`, `new`: of the whole picture, see Crowd."""

    site: str
    camera: str
    start: datetime
    tracks: int = Field(ge=0)
    new: int = Field(ge=0)
    parts: list[Crowd]

    @property
    def key(self) -> str:
        return f"{self.site}/{self.camera}"
