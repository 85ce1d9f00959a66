"""What was seen in a time."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from pipeline.messages.kind import iso
from pipeline.messages.record import OfScope, Scores


class FrameCounts(BaseModel):
    """What became of the frames of a time. `expected`: what the cameras' rates promised; fractions of a frame occur.

    `blind`: of the observed frames, those of a camera that saw nothing of use, by reason.
    """

    model_config = ConfigDict(frozen=True)
    expected: float = 0
    observed: int = 0
    dead_lettered: int = 0
    dropped: dict[str, int] = Field(default_factory=dict)
    blind: dict[str, int] = Field(default_factory=dict)


class Window(OfScope):
    """What was seen from `start` to `end`, by the cameras' own time, in one camera, zone or site.

    `spec`: its length, and how often one begins where they overlap: "60s", "300s/60s". A window is told again, with
    the next `revision`, when late frames changed it, and for the last time as `final`. `as_of`: up to what time of
    each camera's records it tells. `coverage`: frames observed over those expected, at most 1; null where none were
    expected; `cameras`: the same for each. `blind`: the part of the coverage that came from cameras that saw nothing
    of use; `blind_cameras`: those that were blind in most of their frames, with the most frequent reason (see
    Observation). Faces are counted once a frame they are seen in: `n_face_frames`, of them
    `n_told` with a told expression, which `scores_mean` and `label_share` are over (null without any), and
    `n_abstained` without. `late_included`: frames that came after their ten seconds had been closed.
    `suppressed`: the figures on faces are withheld, 0 and null, because too few tracks are behind them, or are behind a
    difference between them and those of other windows.
    """

    spec: str
    start: datetime
    end: datetime
    revision: int = Field(ge=0)
    final: bool
    as_of: datetime
    frames: FrameCounts
    coverage: float | None
    blind: float | None = None
    cameras: dict[str, float | None]
    blind_cameras: dict[str, str] = Field(default_factory=dict)
    n_face_frames: int
    n_tracks: int
    n_told: int
    n_abstained: int
    abstained: dict[str, int] = Field(default_factory=dict)
    scores_mean: Scores | None = None
    label_share: dict[str, float] | None = None
    late_included: int = 0
    suppressed: bool = False

    @property
    def key(self) -> str:
        return f"{self.owner}/{self.spec}/{iso(self.start)}"
