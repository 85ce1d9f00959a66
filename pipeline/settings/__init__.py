"""Settings: one YAML file, every field overridable from the environment as `EMOSTREAM_SECTION__FIELD`."""

from pipeline.settings.aggregate import AggregateSettings, WindowSettings
from pipeline.settings.alerts import NO_DATA, AlertSettings, NoDataSettings, Severity, WebhookSettings
from pipeline.settings.all import ResolvedSettings, Settings
from pipeline.settings.analyze import AnalyzeSettings, DetectSettings, QualitySettings, SightSettings
from pipeline.settings.api import AccessRole, ApiSettings, TokenSettings, hashed, is_loopback, url
from pipeline.settings.cameras import CameraSettings, ZoneSettings
from pipeline.settings.capture import CaptureSettings
from pipeline.settings.dashboard import DashboardSettings, WatchSettings
from pipeline.settings.kafka import KafkaSettings
from pipeline.settings.kafka_security import SecuritySettings
from pipeline.settings.load import NO_SETTINGS, RUNS_HINT, faults, ignored, load
from pipeline.settings.model import USUAL_ADDRESSES, ClassifySettings, ModelKind, ModelSettings, ShadowSettings
from pipeline.settings.overload import OverloadSettings
from pipeline.settings.policy import ExceptionKind, ExceptionSettings, PlaceKind, PlaceSettings, PolicySettings
from pipeline.settings.privacy import PrivacySettings
from pipeline.settings.running import MetricsSettings, RaySettings
from pipeline.settings.section import NAME, Section, check_name
from pipeline.settings.telemetry import LogsSettings, TracesSettings

__all__ = [
    "NAME",
    "NO_DATA",
    "NO_SETTINGS",
    "RUNS_HINT",
    "USUAL_ADDRESSES",
    "AccessRole",
    "AggregateSettings",
    "AlertSettings",
    "AnalyzeSettings",
    "ApiSettings",
    "CameraSettings",
    "CaptureSettings",
    "ClassifySettings",
    "DashboardSettings",
    "DetectSettings",
    "ExceptionKind",
    "ExceptionSettings",
    "KafkaSettings",
    "LogsSettings",
    "MetricsSettings",
    "ModelKind",
    "ModelSettings",
    "NoDataSettings",
    "OverloadSettings",
    "PlaceKind",
    "PlaceSettings",
    "PolicySettings",
    "PrivacySettings",
    "QualitySettings",
    "RaySettings",
    "ResolvedSettings",
    "Section",
    "SecuritySettings",
    "Settings",
    "Severity",
    "ShadowSettings",
    "SightSettings",
    "TokenSettings",
    "TracesSettings",
    "WatchSettings",
    "WebhookSettings",
    "WindowSettings",
    "ZoneSettings",
    "check_name",
    "faults",
    "hashed",
    "ignored",
    "is_loopback",
    "load",
    "url",
]
