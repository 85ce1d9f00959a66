"""What became of one frame."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from pipeline.messages.frame import FrameId
from pipeline.messages.record import Record, Scores


class ModelRef(BaseModel):
    """Which detector or model computed a value."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())
    name: str
    version: str = ""
    sha256: str = ""


class Box(BaseModel):
    """A face's place, as fractions of the frame's width and height, clipped to the frame."""

    model_config = ConfigDict(frozen=True)
    x: float
    y: float
    width: float
    height: float


class Quality(BaseModel):
    """How readable the face is; null where it is not known.

    `size_px`: the shorter side of the box in the captured frame, in pixels. `inside`: part of the box that lies in
    the frame, 0..1. `yaw`, `pitch`, `roll`: degrees, estimated from the landmarks. The rest is measured on the crop:
    `sharpness`: deviation of its fine over its coarse structure, about 0.8 where sharp, below 0.5 where unreadable.
    `brightness`, `contrast`: mean and deviation of its gray levels, 0..255. `saturated`: part of it that is white,
    0..1. `blur`: variance of its Laplacian, gray levels squared; low is blurred, but it grows with contrast and noise.
    """

    model_config = ConfigDict(frozen=True)
    size_px: float
    blur: float | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    inside: float | None = None
    sharpness: float | None = None
    brightness: float | None = None
    contrast: float | None = None
    saturated: float | None = None


class Face(BaseModel):
    """One face of a frame and its apparent expression.

    `track_id`: the same while the face is followed, null for a doubtful find; random in each run, it tells nothing of a
    person. `track_epoch`: since when, in seconds of Unix time, no track of the camera was lost for want of frames; ids
    of two epochs have nothing to do with each other. `scores`: what the model read of this very frame, null where it
    was not asked; `inferred` says whether it was. `smoothed`: the readings of the track, the later the weightier.
    `label`, `confidence`: by the scores, or by the smoothed ones where there are none. `abstained`: the expression is
    not told, for `reason`; with "uncertain" the scores and the label are there, too weak to be counted. `model`: the
    one that the scores, or else the smoothed ones, are of, where it is not the observation's; smoothed scores are of
    one model alone.
    """

    model_config = ConfigDict(frozen=True)
    track_id: str | None = None
    track_epoch: int = 0
    bbox: Box
    detection_confidence: float
    quality: Quality
    scores: Scores | None = None
    label: str | None = None
    confidence: float | None = None
    abstained: bool = False
    reason: str = ""
    smoothed: Scores | None = None
    inferred: bool = True
    zone_ids: list[str] = Field(default_factory=list)
    model: ModelRef | None = None


class FrameRecord(Record):
    """What became of one frame. `event_id` is the frame's own: the same for every time that it was read."""

    event_id: str
    site: str
    camera: str
    session: int
    seq: int
    captured_at: datetime
    processed_at: datetime

    @property
    def frame_id(self) -> FrameId:
        return FrameId(self.site, self.camera, self.session, self.seq)


class Observation(FrameRecord):
    """What was seen in one frame: 0..n faces. One record for every frame that could be read.

    `timings`: seconds by stage; "classify" is the request that the frame's faces shared with others. `scripted`: what
    the synthetic camera drew, one expression a face, else null. `blind`: why the camera sees nothing of use although
    its frames can be read: "dark", "overexposed", "covered", "frozen", "moved" or "out_of_focus"; "" while it sees.
    Faces that were found all the same are told. `withheld`: no face is told in any observation, for privacy;
    CrowdRecords tell of them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=(), ser_json_inf_nan="null")
    width: int
    height: int
    detector: ModelRef
    model: ModelRef
    timings: dict[str, float] = Field(default_factory=dict)
    degradation: list[str] = Field(default_factory=list)
    faces: list[Face] = Field(default_factory=list)
    scripted: list[str] | None = None
    blind: str = ""
    withheld: bool = False


class Stub(FrameRecord):
    """Stands in `emotion-events` in the place of a frame that went to `dead-letters`."""

    reason: str


class DeadLetter(Record):
    """A record that could not be used: why, and where it stood. Its headers travel on; its payload does not.

    `foreign`: it carries no frame identity, so it is outside the equation.
    """

    reason: str
    error: str
    topic: str
    partition: int
    offset: int
    at: datetime
    foreign: bool
    event_id: str | None = None
    size_bytes: int = 0
    headers: dict[str, str] = Field(default_factory=dict)
