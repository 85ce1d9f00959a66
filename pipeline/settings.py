"""Settings: one YAML file, every field overridable from the environment as `EMOSTREAM_SECTION__FIELD`."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

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


ModelKind = Literal["torchserve", "torchserve-grpc", "open-inference", "open-inference-grpc", "in-process"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CameraSettings(Section):
    """One camera. `uri` may carry `id`, `fps`, `loop` and `realtime` as query parameters; those win."""

    uri: str = Field(description="rtsp://, http(s)://, a file, a folder or glob, webcam:0, synthetic:?people=2")
    id: str | None = Field(None, description="name of the camera; taken from the URI when not given")
    fps: float | None = Field(None, gt=0, le=240, description="cap, frames/s; more is not captured; none: no cap")
    loop: bool = Field(False, description="start a file again at its end")
    realtime: bool = Field(True, description="false: a file is read as fast as the system takes it, no drops")


class KafkaSettings(Section):
    bootstrap: str = Field("localhost:9092", description="host:port of one or more brokers, comma separated")
    topic_prefix: str = Field("", description="put before every topic name, with a dot")
    partitions: int = Field(12, ge=1, le=4096, description="partitions of `frames` and `emotion-events`; never grows")
    replication: int = Field(1, ge=1, le=9, description="replication factor of topics that are created")
    frames_retention_minutes: float = Field(15, gt=0, description="how long frames are kept")
    frames_retention_bytes: int = Field(2**30, gt=0, description="bytes of frames kept per partition")
    alerts_retention_days: float = Field(30, gt=0, description="how long alerts are kept")
    events_retention_days: float = Field(7, gt=0, description="how long observations are kept")
    group: str = Field("emostream-analyze", description="consumer group of the analyzers")
    aggregate_group: str = Field("emostream-aggregate", description="consumer group of the aggregators")
    webhooks_group: str = Field("emostream-webhooks", description="consumer groups of the webhooks, one an endpoint")


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


class ModelSettings(Section):
    """A model, and how it is reached."""

    kind: ModelKind = Field(
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

    @model_validator(mode="after")
    def _url_fits_kind(self) -> Self:
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


class ShadowSettings(ModelSettings):
    """A second model, in each analyzer's own process unless a server is named."""

    kind: ModelKind = Field("in-process", description="how the shadow is reached; as `classify.kind`")
    batches: int = Field(16, ge=1, description="requests that wait for the shadow; more are skipped and counted")
    mebibytes: float = Field(32, gt=0, description="the same, as bytes of crops")


class ClassifySettings(ModelSettings):
    workers: int = Field(1, ge=1, description="TorchServe workers of --local")
    shadow: ShadowSettings | None = Field(
        None, description="a second model that reads the same crops, only to be compared; fields as below"
    )


class WindowSettings(Section):
    """One kind of window. A new one begins every `every_seconds`; without it, where the last one ends."""

    seconds: int = Field(gt=0, multiple_of=10, description="length")
    every_seconds: int | None = Field(None, gt=0, multiple_of=10, description="less than the length: they overlap")

    @property
    def name(self) -> str:
        """As windows and alert rules call it."""
        every = self.every_seconds or self.seconds
        return f"{self.seconds}s" if every == self.seconds else f"{self.seconds}s/{every}s"


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


class AggregateSettings(Section):
    windows: list[WindowSettings] = Field(
        [WindowSettings(seconds=60), WindowSettings(seconds=300, every_seconds=60)],
        min_length=1,
        description="kinds of windows: `seconds`, and `every_seconds` where they overlap; multiples of 10",
    )
    grace_seconds: int = Field(30, ge=0, multiple_of=10, description="how long a window's late frames are waited for")
    revision_seconds: int = Field(10, gt=0, multiple_of=10, description="least time between two revisions of a window")
    idle_seconds: float = Field(15, gt=0, description="a camera of which nothing is heard is silent after this")
    member: str | None = Field(
        None, description="name of this aggregator, the same after a restart, which then takes its place at once"
    )
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


Severity = Literal["info", "warning", "critical"]
NO_DATA = "no-data"  # the rule that is built in


class AlertSettings(Section):
    """A rule on the windows of each camera, zone or site; docs/alerts.md explains every part."""

    id: str = Field(description="name of the rule")
    title: str = Field("", description="what it tells, in a few words for those who are called")
    scope: Literal["camera", "zone", "site"] = Field("camera", description="whose windows it looks at, each by itself")
    only: list[str] = Field(default_factory=list, description="names of the cameras, zones or sites; none: all")
    window: str = Field("60s", description="kind of window, one of `aggregate.windows`: 60s, 300s/60s")
    measure: Literal["share", "mean", "change"] = Field(
        "share",
        description="share of the faces, mean score, or change of the share since the window before",
    )
    expressions: list[Literal["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]] = Field(
        min_length=1, description="apparent expressions, of which it takes the sum"
    )
    above: float | None = Field(None, description="raised beyond this; this or `below`")
    below: float | None = Field(None, description="raised under this")
    clear: float | None = Field(None, description="cleared at this, which lies on the calm side; none: the same")
    against: Literal["absolute", "baseline"] = Field(
        "absolute", description="baseline: limits count deviations from what is usual there"
    )
    for_seconds: int = Field(0, ge=0, description="how long it must hold; 0: one window")
    clear_for_seconds: int = Field(0, ge=0, description="how long it must be over; 0: one window")
    min_coverage: float = Field(0.5, ge=0, le=1, description="with less really seen, a window is not judged")
    min_told: int = Field(10, ge=1, description="with fewer readings of faces, a window is not judged")
    severity: Severity = Field("warning")
    baseline_hours: float = Field(24, gt=0, description="time over which what is usual adapts")
    baseline_windows: int = Field(60, ge=2, description="windows that must be learned from before it speaks")
    min_deviation: float = Field(0.05, gt=0, description="a deviation counts as at least this")

    @field_validator("id")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if value == NO_DATA:
            raise ValueError(f"{NO_DATA} is the rule that is built in; the section no_data has its settings")
        return check_name(value)

    @model_validator(mode="after")
    def _limits_make_sense(self) -> Self:
        limit = self.below if self.above is None else self.above
        if limit is None or (self.above is not None and self.below is not None):
            raise ValueError("give a limit: above or below, and one of them only")
        upwards = self.above is not None or self.against == "baseline"  # deviations are counted away from the mean
        if self.clear is not None and (self.clear > limit if upwards else self.clear < limit):
            raise ValueError(f"clear: {self.clear} lies beyond the limit {limit}: over while it still holds")
        if self.against == "absolute" and not -1 <= limit <= 1:
            raise ValueError(f"the limit {limit} is no share: -1 to 1, or against: baseline")
        return self


class NoDataSettings(Section):
    """The rule that is built in: a camera of which too little is seen is an alert of its own."""

    enabled: bool = Field(True)
    window: str | None = Field(None, description="kind of window; none: the first of `aggregate.windows`")
    below: float = Field(0.2, gt=0, le=1, description="with less of the expected frames really seen, data is absent")
    for_seconds: int = Field(120, ge=0, description="how long, before it is told")
    clear_for_seconds: int = Field(60, ge=0, description="how long data must be back")
    group_at: int = Field(3, ge=2, description="so many cameras that lose their data together are one alert")
    group_seconds: int = Field(120, ge=0, description="together: one after the other within this")
    severity: Severity = Field("critical")


class WebhookSettings(Section):
    """An address that alerts are posted to, signed as Standard Webhooks says."""

    id: str = Field(description="name of the endpoint; what was delivered to it is remembered by it")
    url: str = Field(description="http(s)://..., may hold user:password@")
    secret: SecretStr = Field(
        description="whsec_ and base64 of 24 to 64 bytes, or env:NAME of a variable that holds it"
    )
    rules: list[str] = Field(default_factory=list, description="ids of the rules it is told of; none: all")
    severities: list[Severity] = Field(default_factory=list, description="severities it is told of; none: all")
    timeout_seconds: float = Field(10, gt=0, le=60, description="how long an answer is waited for")
    backoff_seconds: float = Field(1, gt=0, description="first pause before another attempt; doubles, with jitter")
    backoff_max_seconds: float = Field(60, gt=0)
    give_up_seconds: float = Field(3600, ge=0, le=86400, description="after so long the alert is a dead letter")

    @field_validator("id")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        return check_name(value)

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("no http:// or https:// address")
        return url

    @field_validator("secret")
    @classmethod
    def _is_a_secret(cls, secret: SecretStr) -> SecretStr:
        text = secret.get_secret_value()
        if text.startswith("env:"):
            variable = text.removeprefix("env:")
            text = os.environ.get(variable, "")
            if not text:
                raise ValueError(f"the environment variable {variable} is not set")
        try:
            length = len(base64.b64decode(text.removeprefix("whsec_"), validate=True))
        except ValueError:
            length = 0
        if not text.startswith("whsec_") or not 24 <= length <= 64:
            raise ValueError(
                'not whsec_ and base64 of 24 to 64 bytes; `echo "whsec_$(openssl rand -base64 32)"` makes one'
            )
        return SecretStr(text)

    @field_serializer("secret", when_used="json")
    def _tell(self, secret: SecretStr) -> str:
        """Roles are given their settings as JSON."""
        return secret.get_secret_value()


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
    delivery: Literal["at_least_once", "exactly_once"] = Field(
        "at_least_once",
        description="exactly_once: outputs and offsets of analyze and aggregate are Kafka transactions",
    )
    zones: list[ZoneSettings] = Field(default_factory=list, description="parts of pictures with windows of their own")
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    capture: CaptureSettings = Field(default_factory=CaptureSettings)
    detect: DetectSettings = Field(default_factory=DetectSettings)
    quality: QualitySettings = Field(default_factory=QualitySettings)
    analyze: AnalyzeSettings = Field(default_factory=AnalyzeSettings)
    sight: SightSettings = Field(default_factory=SightSettings)
    classify: ClassifySettings = Field(default_factory=ClassifySettings)
    ray: RaySettings = Field(default_factory=RaySettings)
    aggregate: AggregateSettings = Field(default_factory=AggregateSettings)
    alerts: list[AlertSettings] = Field(default_factory=list, description="rules on windows")
    no_data: NoDataSettings = Field(default_factory=NoDataSettings)
    webhooks: list[WebhookSettings] = Field(default_factory=list, description="addresses that alerts are posted to")
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

    @model_validator(mode="after")
    def _alerts_fit(self) -> Settings:
        windows = [window.name for window in self.aggregate.windows]
        wanted = [(f"alerts: {rule.id}: window", rule.window) for rule in self.alerts]
        for field, window in [*wanted, ("no_data.window", self.no_data.window)]:
            if window is not None and window not in windows:
                raise ValueError(f"{field}: {window!r} is none of aggregate.windows: {', '.join(windows)}")
        for section, ids in (
            ("alerts", [rule.id for rule in self.alerts]),
            ("webhooks", [w.id for w in self.webhooks]),
        ):
            twice = {name for name in ids if ids.count(name) > 1}
            if twice:
                raise ValueError(f"{section}: id {min(twice)!r} is used twice")
        known = {NO_DATA, *(rule.id for rule in self.alerts)}
        for webhook in self.webhooks:
            for rule_id in set(webhook.rules) - known:
                raise ValueError(f"webhooks: {webhook.id}: no rule {rule_id!r}; there are {', '.join(sorted(known))}")
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
