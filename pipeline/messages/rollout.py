"""Another version of the model that is brought in: what people ask for, what is measured, what is decided."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.messages.observation import ModelRef
from pipeline.messages.record import Record

MOST = 2**53  # of what is counted: exact as a float


class Stage(StrEnum):
    """How far a rollout is. Of two that are claimed at once the later one in this list holds."""

    SHADOW = "shadow"  # it reads what the live model reads, and nothing of it is told
    CANARY = "canary"  # it reads the faces of some cameras, and the live one reads along
    FINISHED = "finished"  # it reads all
    BACKED_OUT = "backed_out"  # the live model reads all


class ServedModel(BaseModel):
    """A model as its server describes it. `digest`: of all that shapes its answers, which every answer names.

    `size`, `color`, `margin`: of the crops that it wants. `abstain_below`: from its calibration.
    """

    model_config = ConfigDict(frozen=True)
    ref: ModelRef
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    labels: tuple[str, ...]
    size: int = Field(ge=8, le=1024)
    color: Literal["gray", "bgr"]
    margin: float = Field(ge=0, le=1)
    abstain_below: float = Field(0.0, ge=0, le=1)


class Bounds(BaseModel):
    """What the new version may do otherwise than the live one on the same faces, as parts of 1.

    `failures`: requests that it does not answer, beyond the live one's own. `label_changes`: faces whose strongest
    expression is another one. `distance`: of the scores, total variation in the mean. `faces`: to be compared before it
    may go on.
    """

    model_config = ConfigDict(frozen=True)
    failures: float = Field(0.02, ge=0, le=1)
    label_changes: float = Field(0.15, ge=0, le=1)
    distance: float = Field(0.15, ge=0, le=1)
    faces: int = Field(1000, ge=1, le=10**9)


class Rollout(Record):
    """What people ask for, the last record of its key. `live`: the model that it is to take the place of.

    `shadow_seconds`: how long it only reads along, at least. `share`: part of the cameras that are given to it then.
    `ended`: by people, who may take it back after it was finished, too.
    """

    site: str
    rollout_id: str = Field(pattern=r"^[0-9a-f]{8,64}$")
    live: ModelRef
    candidate: ServedModel
    shadow_seconds: float = Field(ge=0, le=10**7)
    share: float = Field(gt=0, le=1)
    bounds: Bounds = Bounds()
    started_at: datetime
    ended: Literal[Stage.FINISHED, Stage.BACKED_OUT] | None = None
    changed_at: datetime
    changed_by: str = ""
    reason: str = ""

    @property
    def key(self) -> str:
        return f"{self.site}/rollout"


class RolloutVerdict(Record):
    """What was decided of a rollout by what was measured, the last record of its key. `reason`: in words.

    `metric`: which bound was broken: failures, label_changes or distance; "" for one that goes on.
    """

    site: str
    rollout_id: str
    stage: Literal[Stage.CANARY, Stage.BACKED_OUT]
    at: datetime
    metric: str = ""
    reason: str = ""

    @property
    def key(self) -> str:
        return f"{self.site}/verdict"


class RolloutFigures(BaseModel):
    """What one analyzer has measured since the rollout came to its stage; they only grow.

    `asked`, `failed`: requests to the new version; `live_asked`, `live_failed`: to the other one. `compared`: faces
    that both have read; of these, `label_changes` whose strongest expression differs, and `distance`, the sum of the
    total variation distances of their scores.
    """

    model_config = ConfigDict(frozen=True)
    rollout_id: str
    stage: Stage
    asked: int = Field(0, ge=0, le=MOST)
    failed: int = Field(0, ge=0, le=MOST)
    live_asked: int = Field(0, ge=0, le=MOST)
    live_failed: int = Field(0, ge=0, le=MOST)
    compared: int = Field(0, ge=0, le=MOST)
    label_changes: int = Field(0, ge=0, le=MOST)
    distance: float = Field(0.0, ge=0, le=MOST, allow_inf_nan=False)
