"""What requests and answers hold."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from pipeline.messages import Alert, Bounds, CameraState, DesiredCamera, ModelRef, Origin, RoleStatus, Scope, Window
from pipeline.rollout.status import Status
from pipeline.settings import NAME
from pipeline.settings.cameras import MASKS
from pipeline.settings.polygon import CORNERS
from pipeline.watch.camera import CameraNow
from pipeline.watch.condition import Condition, Kind, Level
from pipeline.watch.roles import RoleNow

RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
Fraction = Annotated[float, Field(ge=0, le=1, strict=True)]
Mask = Annotated[list[tuple[Fraction, Fraction]], Field(min_length=3, max_length=CORNERS)]
Masks = Annotated[
    list[Mask],
    Field(
        max_length=MASKS,
        description="parts of the picture that are blacked out before anything is published: corners [x, y], as "
        "fractions of its width and height",
    ),
]
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$", description="letters, digits, dot, dash and underscore")]
Uri = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="as in the settings, such as rtsp://10.0.0.7/stream1; without a password",
        examples=["rtsp://10.0.0.7:554/stream1", "synthetic:?people=2&seed=7"],
    ),
]
Credentials = Annotated[
    str,
    Field(
        max_length=100,
        description="env:CAMERA_... names a variable that holds user:password where capture runs; empty: none",
        examples=["", "env:CAMERA_HALL"],
    ),
]
Fps = Annotated[float | None, Field(gt=0, le=240, strict=True, description="cap, frames/s; null: no cap")]
Reason = Annotated[str, Field(max_length=500, description="why; it is kept in the audit log")]


Share = Annotated[float, Field(gt=0, le=1, strict=True, description="part of the cameras")]


def _rfc3339(value: object) -> object:
    """Of numbers pydantic makes times, too: of seconds or of milliseconds, as they seem to be."""
    if not isinstance(value, str) or not RFC3339.fullmatch(value):
        raise ValueError("no time such as 2026-01-31T12:00:00Z, with a time zone")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_rfc3339)]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class NewCamera(Asked):
    """A camera that is to be added. `fps`, `loop`, `realtime` and `id` may also stand in the URI, but in one place."""

    uri: Uri
    id: Name | None = Field(None, description="name of the camera; none: made from the URI")
    credentials: Credentials = ""
    fps: Fps = None
    loop: StrictBool = Field(False, description="start a file again at its end")
    realtime: StrictBool = Field(True, description="false: a file is read as fast as the system takes it")
    paused: StrictBool = False
    masks: Masks = []
    reason: Reason = ""


class CameraChange(Asked):
    """What is left out stays as it is."""

    uri: Uri = ""
    credentials: Credentials = ""
    fps: Fps = None
    loop: StrictBool = False
    realtime: StrictBool = True
    masks: Masks = []
    reason: Reason = ""


class WindowsAsked(Asked):
    """Which windows; what is left out is any."""

    scope: Scope | None = Field(None, description="what a window speaks of")
    id: Name | None = Field(None, description="name of the camera, zone or site")
    spec: str | None = Field(None, max_length=32, description="kind of window, such as 60s or 300s/60s")
    since: Moment | None = Field(None, description="that start then or later; none: an hour ago")
    limit: int = Field(100, ge=1, le=500)
    after: str | None = Field(None, max_length=400, description="`next` of the page before")


class AlertsAsked(Asked):
    which: Literal["standing", "cleared", "all"] = "standing"
    limit: int = Field(100, ge=1, le=3000)


class Why(Asked):
    reason: Reason = ""


class Silencing(Asked):
    """Which alerts call nobody, and until when: a rule's, those of a camera, zone or site, or both."""

    rule: str | None = Field(None, max_length=100)
    scope: Scope | None = Field(None, description="what `id` names, where that is not clear")
    id: Name | None = None
    until: Moment = Field(description="at most a day from now; a time that is over ends a silence")
    reason: Reason = ""


class Forgetting(Asked):
    """Which alerts are closed, and where what is usual is learned anew."""

    rule: str | None = Field(None, max_length=100)
    scope: Scope | None = None
    id: Name | None = None
    reason: Reason = ""


class ConditionAnswer(BaseModel):
    """The worst that can be said of a camera. `since`: null where nobody knows."""

    kind: Kind
    level: Level
    since: datetime | None
    words: str

    @classmethod
    def of(cls, condition: Condition) -> ConditionAnswer:
        return cls(kind=condition.kind, level=condition.level, since=condition.since, words=condition.words)


class CameraAnswer(BaseModel):
    """`wanted`: as it is to be, null where only the settings of capture speak of it. `state`: as capture told it last.

    `fps`: observed frames a second, `lag_seconds`: how old what was seen last is, `sight`: what blinds it, "" while it
    sees; `dropped`, `dead_lettered`: frames of the last minute.
    """

    id: str
    origin: Origin
    paused: bool
    wanted: DesiredCamera | None
    state: CameraState | None
    reason: str
    since: datetime | None
    condition: ConditionAnswer
    source: str
    session: int
    fps: float
    expected_fps: float | None
    lag_seconds: float | None
    sight: str
    dropped: dict[str, int]
    dead_lettered: int
    heard_at: datetime | None

    @classmethod
    def of(cls, camera: CameraNow, condition: Condition) -> CameraAnswer:
        return cls(
            id=camera.id,
            origin=camera.desired.origin if camera.desired else Origin.SETTINGS,
            paused=camera.desired is not None and camera.desired.paused,
            wanted=camera.desired,
            state=camera.state,
            reason=camera.reason,
            since=camera.since,
            condition=ConditionAnswer.of(condition),
            source=camera.source,
            session=camera.session,
            fps=camera.fps,
            expected_fps=camera.expected_fps,
            lag_seconds=camera.lag,
            sight=camera.sight,
            dropped=dict(camera.dropped),
            dead_lettered=camera.dead,
            heard_at=camera.heard_at,
        )


class Cameras(BaseModel):
    cameras: list[CameraAnswer]


class RoleAnswer(BaseModel):
    """`silent`: no sign of life for some time; the process is gone, or cut off from Kafka."""

    status: RoleStatus
    heard_at: datetime
    silent: bool

    @classmethod
    def of(cls, role: RoleNow) -> RoleAnswer:
        return cls(status=role.status, heard_at=role.heard_at, silent=role.silent)


class Roles(BaseModel):
    """`backlog`: records on `frames` that no analyzer has read yet."""

    roles: list[RoleAnswer]
    backlog: int | None


class ModelAnswer(BaseModel):
    """The model that the settings name, and what the last observation was made with.

    `abstain_below`: a highest probability under which no expression is told. `crop_pixels`: a side of the face crops.
    """

    configured: ModelRef
    kind: str = Field(description="how it is reached; see classify.kind")
    labels: list[str]
    abstain_below: float
    crop_pixels: int
    seen: ModelRef | None
    detector: ModelRef | None
    degradation: list[str]


class Windows(BaseModel):
    """`next`: give it as `after` to be told what follows; null: that is all there is so far."""

    windows: list[Window]
    next: str | None


class Alerts(BaseModel):
    """Newest first."""

    alerts: list[Alert]


class Taken(BaseModel):
    """It is asked for; `/v1/alerts` tells when the aggregators have done it."""

    asked_at: datetime


class Finding(BaseModel):
    name: str
    ok: bool
    finding: str


class Readiness(BaseModel):
    ready: bool
    checked_at: datetime
    checks: list[Finding]


class Alive(BaseModel):
    alive: bool = True
    version: str


class NewRollout(Asked):
    """`version`: as the model servers have it. `bounds`: what it may do otherwise than the live model."""

    version: Annotated[str, Field(pattern=f"^{NAME.pattern}$", max_length=100)]
    shadow_seconds: Annotated[float, Field(ge=0, le=30 * 86400, strict=True)] = 600.0
    share: Share = 0.1
    bounds: Bounds = Bounds()
    reason: Reason = ""


class Sharing(Asked):
    share: Share
    reason: Reason = ""


class RolloutAnswer(BaseModel):
    """The last rollout; null where there was none."""

    rollout: Status | None


class TargetGroup(BaseModel):
    """As Prometheus's http_sd reads it."""

    targets: list[str]
    labels: dict[str, str]
