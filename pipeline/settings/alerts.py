"""Settings of alerts and of those who are told."""

from __future__ import annotations

import base64
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    Field,
    SecretStr,
    field_serializer,
    field_validator,
    model_validator,
)

from pipeline.errors import UsageError
from pipeline.settings.secret import FORMS, absolute, is_reference, read
from pipeline.settings.section import Section, check_name

NO_DATA = "no-data"  # the rule that is built in
SIGNS = 'whsec_ and base64 of 24 to 64 bytes; `echo "whsec_$(openssl rand -base64 32)"` makes one'
Severity = Literal["info", "warning", "critical"]


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
        description=f"whsec_ and base64 of 24 to 64 bytes, or {FORMS}; only the role webhooks reads it there"
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
        if is_reference(text):
            return SecretStr(absolute(text))
        if not _signs(text):
            raise ValueError(f"not {SIGNS}")
        return secret

    @field_serializer("secret", when_used="json")
    def _tell(self, secret: SecretStr) -> str:
        """Roles are given their settings as JSON."""
        return secret.get_secret_value()

    def signing_secret(self) -> str:
        """`secret`, in clear. Raises UsageError where what it refers to is not to be had, or none."""
        text, field = self.secret.get_secret_value(), f"webhooks: {self.id}: secret"
        if is_reference(text):
            text = read(text, field)
            if not _signs(text):
                raise UsageError(f"{field}: what it refers to is no secret", SIGNS)
        return text


def _signs(text: str) -> bool:
    try:
        length = len(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except ValueError:
        return False
    return text.startswith("whsec_") and 24 <= length <= 64
