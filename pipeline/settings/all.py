"""All settings in one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    Field,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.settings.aggregate import AggregateSettings
from pipeline.settings.alerts import NO_DATA, AlertSettings, NoDataSettings, WebhookSettings
from pipeline.settings.analyze import AnalyzeSettings, DetectSettings, QualitySettings, SightSettings
from pipeline.settings.api import ApiSettings
from pipeline.settings.cameras import CameraSettings, ZoneSettings
from pipeline.settings.capture import CaptureSettings
from pipeline.settings.dashboard import DashboardSettings, WatchSettings
from pipeline.settings.kafka import KafkaSettings
from pipeline.settings.model import ClassifySettings
from pipeline.settings.overload import OverloadSettings
from pipeline.settings.policy import PolicySettings
from pipeline.settings.privacy import PrivacySettings
from pipeline.settings.running import MetricsSettings, RaySettings
from pipeline.settings.section import check_name
from pipeline.settings.telemetry import LogsSettings, TracesSettings


class Settings(BaseSettings):
    """All of emostream's settings. Unknown keys are errors."""

    model_config = SettingsConfigDict(
        env_prefix="EMOSTREAM_", env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    site: str = Field("site-1", description="name of the site these cameras belong to")
    timezone: str = Field("UTC", description="the site's time zone, as Europe/Berlin; days of reports are days there")
    cameras: list[CameraSettings] = Field(default_factory=list)
    delivery: Literal["at_least_once", "exactly_once"] = Field(
        "at_least_once",
        description="exactly_once: outputs and offsets of analyze and aggregate are Kafka transactions",
    )
    zones: list[ZoneSettings] = Field(default_factory=list, description="parts of pictures with windows of their own")
    policy: PolicySettings = Field(default_factory=PolicySettings)
    privacy: PrivacySettings = Field(default_factory=PrivacySettings)
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    capture: CaptureSettings = Field(default_factory=CaptureSettings)
    detect: DetectSettings = Field(default_factory=DetectSettings)
    quality: QualitySettings = Field(default_factory=QualitySettings)
    analyze: AnalyzeSettings = Field(default_factory=AnalyzeSettings)
    overload: OverloadSettings = Field(default_factory=OverloadSettings)
    sight: SightSettings = Field(default_factory=SightSettings)
    classify: ClassifySettings = Field(default_factory=ClassifySettings)
    ray: RaySettings = Field(default_factory=RaySettings)
    aggregate: AggregateSettings = Field(default_factory=AggregateSettings)
    alerts: list[AlertSettings] = Field(default_factory=list, description="rules on windows")
    no_data: NoDataSettings = Field(default_factory=NoDataSettings)
    webhooks: list[WebhookSettings] = Field(default_factory=list, description="addresses that alerts are posted to")
    watch: WatchSettings = Field(default_factory=WatchSettings)
    dashboard: DashboardSettings = Field(default_factory=DashboardSettings)
    api: ApiSettings = Field(default_factory=ApiSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    traces: TracesSettings = Field(default_factory=TracesSettings)
    logs: LogsSettings = Field(default_factory=LogsSettings)
    model_dir: Path | None = Field(None, description="folder that already holds detector files, known by sha256")
    run_dir: Path = Field(Path("runs"), description="logs and state of the embedded stack, one folder a run")
    log_dir: Path | None = Field(None, description="folder for the analyzers' logs; none: Ray's own")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("site")
    @classmethod
    def _site_is_a_name(cls, site: str) -> str:
        return check_name(site)

    @field_validator("timezone")
    @classmethod
    def _time_zone_is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone: Europe/Berlin, America/New_York, UTC") from None
        return name

    @model_validator(mode="after")
    def _sections_fit(self) -> Settings:
        if misfits := list(self._misfits()):
            raise ValueError("; ".join(misfits))
        return self

    def _misfits(self) -> Iterator[str]:
        """What one section says and another one contradicts."""
        windows = [window.name for window in self.aggregate.windows]
        wanted = [(f"alerts: {rule.id}: window", rule.window) for rule in self.alerts]
        for field, window in [*wanted, ("no_data.window", self.no_data.window)]:
            if window is not None and window not in windows:
                yield f"{field}: {window!r} is none of aggregate.windows: {', '.join(windows)}"
        for section, ids in (
            ("cameras", [camera.id for camera in self.cameras if camera.id]),
            ("alerts", [rule.id for rule in self.alerts]),
            ("webhooks", [w.id for w in self.webhooks]),
        ):
            for twice in sorted({name for name in ids if ids.count(name) > 1}):
                yield f"{section}: id {twice!r} is used twice"
        places = {"zone": {zone.id for zone in self.zones}, "site": {self.site}}  # cameras may be added later
        for rule in self.alerts:
            for place in sorted(set(rule.only) - places.get(rule.scope, set(rule.only))):
                yield f"alerts: {rule.id}: only: no {rule.scope} {place!r}"
        known = {NO_DATA, *(rule.id for rule in self.alerts)}
        for webhook in self.webhooks:
            for rule_id in sorted(set(webhook.rules) - known):
                yield f"webhooks: {webhook.id}: no rule {rule_id!r}; there are {', '.join(sorted(known))}"

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
