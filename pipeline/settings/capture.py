"""Settings of capture."""

from __future__ import annotations

from pydantic import (
    Field,
)

from pipeline.settings.section import Section


class CaptureSettings(Section):
    jpeg_quality: int = Field(85, ge=10, le=100)
    max_side: int = Field(1280, ge=64, le=7680, description="larger pictures are scaled down to this, pixels")
    connect_timeout_seconds: float = Field(10, gt=0, description="no first frame by then: the camera is down")
    stall_timeout_seconds: float = Field(5, gt=0, description="no further frame for so long: the camera is down")
    backoff_seconds: float = Field(0.5, gt=0, description="first pause before a reconnect; doubles, with jitter")
    backoff_max_seconds: float = Field(10, gt=0)
    buffer_mebibytes: float = Field(64, gt=0, description="bytes handed to Kafka and not yet acknowledged, all cameras")
    max_ahead_frames: int = Field(2000, ge=1, description="files wait while more frames than this are unread in Kafka")
    buffer_frames_per_camera: int = Field(60, ge=1, description="the same, in frames of one camera")
