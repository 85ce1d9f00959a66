"""Settings of cameras and of the zones in their pictures."""

from __future__ import annotations

from pydantic import (
    AwareDatetime,
    Field,
    field_validator,
)

from pipeline.settings.polygon import Polygon
from pipeline.settings.section import Section, check_name

MASKS = 16  # of one camera: they travel with each frame


class CameraSettings(Section):
    """One camera. `uri` may carry `id`, `fps`, `loop` and `realtime` as query parameters; those win."""

    uri: str = Field(description="rtsp://, http(s)://, a file, a folder or glob, webcam:0, synthetic:?people=2")
    credentials: str = Field(
        "",
        pattern=r"^(env:CAMERA_[A-Za-z0-9_]+)?$",
        description="env:CAMERA_..., a variable that holds user:password where capture runs; for network cameras",
    )
    id: str | None = Field(None, description="name of the camera; taken from the URI when not given")
    fps: float | None = Field(None, gt=0, le=240, description="cap, frames/s; more is not captured; none: no cap")
    loop: bool = Field(False, description="start a file again at its end")
    realtime: bool = Field(True, description="false: a file is read as fast as the system takes it, no drops")
    masks: list[Polygon] = Field(
        default_factory=list,
        max_length=MASKS,
        description="parts of the picture that are blacked out before anything is published: polygons",
    )


class ZoneSettings(Section):
    """A part of one camera's picture. Entries of one `id` are one zone: seen by several cameras, or moved."""

    id: str = Field(description="name of the zone")
    camera: str = Field(description="id of the camera")
    polygon: Polygon
    since: AwareDatetime | None = Field(None, description="holds for frames captured from then on; none: from ever")
    until: AwareDatetime | None = Field(None, description="holds for frames captured before then; none: for ever")

    @field_validator("id", "camera")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        return check_name(value)
