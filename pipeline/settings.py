"""Settings: one YAML file, every field overridable from the environment as `EMOSTREAM_SECTION__FIELD`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.errors import UsageError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
RUNS_HINT = "name a settings file with -c; a run's own is there while it runs"
USUAL_ADDRESSES = {
    "torchserve": "http://127.0.0.1:8080",
    "torchserve-grpc": "127.0.0.1:7070",
    "open-inference": "http://127.0.0.1:8000",
    "open-inference-grpc": "127.0.0.1:8001",
    "in-process": "",
}


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CameraSettings(Section):
    """One camera. `uri` may carry `id`, `fps`, `loop` and `realtime` as query parameters; those win."""

    uri: str = Field(description="rtsp://, http(s)://, a file, a folder or glob, webcam:0, synthetic:?people=2")
    id: str | None = Field(None, description="name of the camera; taken from the URI when not given")
    fps: float | None = Field(None, gt=0, le=240, description="frame rate cap, frames/s; none: as the source gives")
    loop: bool = Field(False, description="start a file again at its end")
    realtime: bool = Field(True, description="false: a file is read as fast as the system takes it, no drops")


class KafkaSettings(Section):
    bootstrap: str = Field("localhost:9092", description="host:port of one or more brokers, comma separated")
    topic_prefix: str = Field("", description="put before every topic name, with a dot")
    partitions: int = Field(12, ge=1, le=4096, description="partitions of `frames` and `emotion-events`; never grows")
    replication: int = Field(1, ge=1, le=9, description="replication factor of topics that are created")
    frames_retention_minutes: float = Field(15, gt=0, description="how long frames are kept")
    frames_retention_bytes: int = Field(2**30, gt=0, description="bytes of frames kept per partition")
    events_retention_days: float = Field(7, gt=0, description="how long observations are kept")
    group: str = Field("emostream-analyze", description="consumer group of the analyzers")
    aggregate_group: str = Field("emostream-aggregate", description="consumer group of the aggregators")


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
    actors: int = Field(1, ge=1, le=256, description="analyzers, members of one consumer group")
    threads: int = Field(2, ge=1, le=64, description="threads of each analyzer that decode, detect and cut faces out")
    max_frame_bytes: int = Field(8 * 2**20, gt=0, description="larger frames are dead letters")
    max_frame_pixels: int = Field(16_000_000, gt=0, description="larger pictures are dead letters, before decoding")
    inflight_frames: int = Field(256, ge=1, description="frames read and not yet written out; above it reading pauses")
    inflight_mebibytes: float = Field(64, gt=0, description="the same, as bytes of JPEG and crops")
    batch_faces: int = Field(32, ge=1, le=512, description="crops of one request to the model")
    batch_wait_seconds: float = Field(0.05, ge=0, description="a smaller batch is sent after this")
    requests: int = Field(2, ge=1, le=64, description="requests in flight to the model")
    commit_seconds: float = Field(1.0, gt=0, description="outputs are flushed and offsets committed this often")
    stall_seconds: float = Field(30, gt=1, description="an analyzer without progress for so long is replaced")
    crop_margin: float | None = Field(None, ge=0, le=1, description="part of the face box around it; none: the model's")


class ClassifySettings(Section):
    kind: Literal["torchserve", "torchserve-grpc", "open-inference", "open-inference-grpc", "in-process"] = Field(
        "torchserve-grpc",
        description="how the model is reached; open-inference: KServe's protocol V2, as Triton speaks it",
    )
    url: str = Field(
        "", description="the model server's address, host:port for gRPC; empty: this machine, the kind's usual port"
    )
    model_name: str = Field("emonext", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    model: str | None = Field(None, description="folder of the model; none: the default of model_store")
    timeout_seconds: float = Field(20, gt=0, description="deadline of one request, below TorchServe's responseTimeout")
    token: SecretStr | None = Field(
        None, description="the server's inference token, where it asks for one; sent in clear but over https"
    )
    threads: int = Field(1, ge=1, description="threads of the model (in-process, and each worker of --local)")
    workers: int = Field(1, ge=1, description="TorchServe workers of --local")

    @model_validator(mode="after")
    def _url_fits_kind(self) -> ClassifySettings:
        if self.url and self.kind.endswith("grpc") == ("://" in self.url):
            wanted = "host:port" if self.kind.endswith("grpc") else "http://host:port"
            raise ValueError(f"url: {self.url!r} does not fit kind {self.kind}, which wants {wanted}")
        return self

    @field_serializer("token", when_used="json")
    def _tell(self, token: SecretStr | None) -> str | None:
        """Roles and actors are given their settings as JSON."""
        return token.get_secret_value() if token else None

    @property
    def secret(self) -> str | None:
        """`token`, in clear."""
        return self.token.get_secret_value() if self.token else None

    @property
    def address(self) -> str:
        """`url`, or where a server of this kind listens unless told otherwise."""
        return self.url or USUAL_ADDRESSES[self.kind]


class WindowSettings(Section):
    """One kind of window. A new one begins every `every_seconds`; without it, where the last one ends."""

    seconds: int = Field(gt=0, multiple_of=10, description="length")
    every_seconds: int | None = Field(None, gt=0, multiple_of=10, description="less than the length: they overlap")


class AggregateSettings(Section):
    windows: list[WindowSettings] = Field(
        [WindowSettings(seconds=60), WindowSettings(seconds=300, every_seconds=60)],
        min_length=1,
        description="kinds of windows: `seconds`, and `every_seconds` where they overlap; multiples of 10",
    )
    grace_seconds: int = Field(30, ge=0, multiple_of=10, description="how long a window's late frames are waited for")
    revision_seconds: int = Field(10, gt=0, multiple_of=10, description="least time between two revisions of a window")
    idle_seconds: float = Field(15, gt=0, description="a camera of which nothing is heard is silent after this")
    commit_seconds: float = Field(1.0, gt=0, description="outputs are flushed and offsets committed this often")


class ZoneSettings(Section):
    """A part of one camera's picture. Entries of one `id` are one zone: seen by several cameras, or moved."""

    id: str = Field(description="name of the zone")
    camera: str = Field(description="id of the camera")
    polygon: list[tuple[float, float]] = Field(
        min_length=3, description="corners [x, y], as fractions of the picture's width and height"
    )
    since: AwareDatetime | None = Field(None, description="holds for frames captured from then on; none: from ever")
    until: AwareDatetime | None = Field(None, description="holds for frames captured before then; none: for ever")

    @field_validator("id", "camera")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        return check_name(value)

    @field_validator("polygon")
    @classmethod
    def _lies_in_the_picture(cls, polygon: list[tuple[float, float]]) -> list[tuple[float, float]]:
        for x, y in polygon:
            if not (0 <= x <= 1 and 0 <= y <= 1):
                raise ValueError(f"the corner {[x, y]} is not in the picture: fractions from 0 to 1, please")
        return polygon


class RaySettings(Section):
    address: str | None = Field(None, description="an existing cluster; none: a local one is started")
    object_store_mebibytes: int = Field(128, ge=80)


class MetricsSettings(Section):
    port: int = Field(
        0, ge=0, le=65535, description="port of capture's /metrics, 0: a free one; analyzers take free ones"
    )
    host: str = Field("127.0.0.1", description="address the endpoint listens on")
    targets_dir: Path | None = Field(None, description="folder where each role lists its endpoints (file_sd)")


class Settings(BaseSettings):
    """All of emostream's settings. Unknown keys are errors."""

    model_config = SettingsConfigDict(
        env_prefix="EMOSTREAM_", env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    site: str = Field("site-1", description="name of the site these cameras belong to")
    cameras: list[CameraSettings] = Field(default_factory=list)
    zones: list[ZoneSettings] = Field(default_factory=list, description="parts of pictures with windows of their own")
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    capture: CaptureSettings = Field(default_factory=CaptureSettings)
    detect: DetectSettings = Field(default_factory=DetectSettings)
    quality: QualitySettings = Field(default_factory=QualitySettings)
    analyze: AnalyzeSettings = Field(default_factory=AnalyzeSettings)
    classify: ClassifySettings = Field(default_factory=ClassifySettings)
    ray: RaySettings = Field(default_factory=RaySettings)
    aggregate: AggregateSettings = Field(default_factory=AggregateSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    model_dir: Path | None = Field(None, description="folder that already holds detector files, known by sha256")
    run_dir: Path = Field(Path("runs"), description="logs and state of the embedded stack, one folder a run")
    log_dir: Path | None = Field(None, description="folder for the analyzers' logs; none: Ray's own")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("site")
    @classmethod
    def _site_is_a_name(cls, site: str) -> str:
        return check_name(site)

    @model_validator(mode="after")
    def _camera_ids_differ(self) -> Settings:
        ids = [camera.id for camera in self.cameras if camera.id]
        twice = {name for name in ids if ids.count(name) > 1}
        if twice:
            raise ValueError(f"cameras: id {min(twice)!r} is used twice")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings  # the environment wins over the file


class ResolvedSettings(Settings):
    """Settings that are complete already: the environment has no say any more."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def check_name(name: str) -> str:
    """A site's or camera's name: it is part of keys and ids. Raises ValueError."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name: letters, digits, dot, dash and underscore, at most 63, please")
    return name


def load(path: Path | None = None, **changes: Any) -> Settings:
    """Settings from a YAML file, then the environment, then `changes` (top-level fields, from the command line).

    Raises UsageError naming the field.
    """
    try:
        settings = Settings(**_read(path))
        if changes:
            settings = ResolvedSettings.model_validate({**settings.model_dump(), **changes})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "settings"
        message = (
            "unknown setting" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        )
        raise UsageError(f"{path or 'settings'}: {field}: {message}", "docs/settings.md lists every field") from None
    return settings


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", RUNS_HINT) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not YAML: {str(error).splitlines()[0]}", "see docs/settings.md") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UsageError(f"{path}: settings must be a mapping", "see docs/settings.md")
    return values
