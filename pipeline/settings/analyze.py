"""Settings of analyze: how frames are read."""

from __future__ import annotations

from typing import Literal

from pydantic import (
    Field,
)

from pipeline.settings.section import Section


class DetectSettings(Section):
    detector: Literal["auto", "yunet", "haar"] = Field("auto", description="auto: YuNet where its file is found")
    max_side: int = Field(320, ge=96, le=1920, description="longer side of the picture that faces are looked for in")
    confidence: float = Field(0.7, ge=0, le=1)
    min_face_px: int = Field(16, ge=4, description="smaller faces (shorter side, captured frame) are not read")
    max_faces: int = Field(64, ge=1, description="faces of one frame beyond this, least confident first, are not read")
    batch: int = Field(4, ge=1, le=64, description="pictures of one size given to the detector at once")
    threads: int = Field(1, ge=1, description="threads of one run of the detector")


class QualitySettings(Section):
    """Faces beyond these limits are told without an expression; docs/decisions/0007 has the measurements."""

    min_confidence: float = Field(
        0.7, ge=0, le=1, description="faces found with less confidence are not read (`detect.confidence`: not told)"
    )
    min_inside: float = Field(0.8, ge=0, le=1, description="part of a face's box that must lie in the frame; 0: off")
    max_yaw: float = Field(50, ge=0, le=90, description="degrees that a face may look aside; 0: off")
    max_pitch: float = Field(30, ge=0, le=90, description="degrees that a face may look up or down; 0: off")
    max_roll: float = Field(45, ge=0, le=180, description="degrees that a face may lie aslant; 0: off")
    min_brightness: float = Field(8, ge=0, le=255, description="mean gray level of the crop, of 255; 0: off")
    max_saturated: float = Field(0.7, ge=0, le=1, description="part of the crop that may be white; 0: off")
    min_contrast: float = Field(3, ge=0, le=128, description="deviation of the crop's gray levels, of 255; 0: off")
    min_sharpness: float = Field(0.5, ge=0, le=2, description="fine over coarse structure of the crop; 0: off")


class AnalyzeSettings(Section):
    actors: int = Field(1, ge=1, le=256, description="analyzers, members of one consumer group; at least")
    max_actors: int | None = Field(None, ge=1, le=256, description="as many while frames wait; none: `actors`")
    scale_up_seconds: float = Field(5, gt=0, description="frames that wait longer make one analyzer more")
    scale_down_seconds: float = Field(300, gt=0, description="with little to do for so long there is one less")
    threads: int = Field(2, ge=1, le=64, description="threads of each analyzer that decode, detect and cut faces out")
    max_frame_bytes: int = Field(8 * 2**20, gt=0, description="larger frames are dead letters")
    max_frame_pixels: int = Field(16_000_000, gt=0, description="larger pictures are dead letters, before decoding")
    inflight_frames: int = Field(256, ge=1, description="frames read and not yet written out; above it reading pauses")
    inflight_mebibytes: float = Field(64, gt=0, description="the same, as bytes of JPEG and crops")
    batch_faces: int = Field(32, ge=1, le=512, description="crops of one request to the model")
    batch_wait_seconds: float = Field(
        0.05, ge=0, description="a smaller batch waits so long at most, for other faces or for the model"
    )
    requests: int = Field(2, ge=1, le=64, description="requests in flight to the model")
    commit_seconds: float = Field(1.0, gt=0, description="outputs are flushed and offsets committed this often")
    stall_seconds: float = Field(30, gt=1, description="an analyzer without progress for so long is replaced")
    crop_margin: float | None = Field(None, ge=0, le=1, description="part of the face box around it; none: the model's")
    tracker: Literal["motion", "bytetrack"] = Field(
        "motion", description="what follows faces from frame to frame; bytetrack: needs the extra of that name"
    )
    smoothing_seconds: float = Field(0.3, gt=0, description="after so long a reading of a face counts half")
    reread_seconds: float = Field(
        0.5, ge=0, description="how long a reading holds for a face that has not changed; 0: every face of every frame"
    )
    readings_per_second: float | None = Field(
        None, gt=0, description="faces of one camera that are read at most, neediest first; none: all that are due"
    )


class SightSettings(Section):
    """When a camera whose frames can be read sees nothing of use; docs/decisions/0013 has the measurements."""

    enabled: bool = Field(True, description="tell cameras that see nothing of use")
    dark_level: float = Field(
        16, ge=0, le=255, description="19 of 20 parts of the picture no lighter, gray level of 255: dark; 0: off"
    )
    white_level: float = Field(
        245, ge=0, le=255, description="17 of 20 parts of the picture as light or lighter: overexposed; 0: off"
    )
    min_sharpness: float = Field(
        0.48, ge=0, le=2, description="fine over coarse structure of the picture; less is out of focus; 0: off"
    )
    min_likeness: float = Field(
        0.2, ge=0, le=1, description="of the picture to the camera's usual view; less is covered or moved; 0: off"
    )
    light_seconds: float = Field(5, gt=0, description="dark or overexposed for so long, by the camera's time: told")
    view_seconds: float = Field(10, gt=0, description="covered, moved or out of focus for so long: told")
    frozen_seconds: float = Field(15, ge=0, description="the same picture for so long: frozen; 0: off")
    clear_seconds: float = Field(3, gt=0, description="a good picture for so long: the camera sees again")
    relearn_seconds: float = Field(300, gt=0, description="a moved camera's new view is its usual one after so long")
