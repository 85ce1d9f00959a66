"""Settings of traces and logs."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from pipeline.settings.section import Section

COLLECTOR_PATH = "/v1/traces"  # of OTLP/HTTP, where the endpoint names none


class TracesSettings(Section):
    endpoint: str | None = Field(
        None,
        description=f"where spans go, by OTLP/HTTP: `http://collector:4318`, to its `{COLLECTOR_PATH}`; none: no spans."
        " Needs the extra `traces`. Headers that the collector asks for: `OTEL_EXPORTER_OTLP_HEADERS`",
    )
    sample: float = Field(0.01, ge=0, le=1, description="share of the frames whose traces are kept")

    @field_validator("endpoint")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise ValueError("no address of a collector: http://HOST:4318")
        if "@" in parts.netloc:
            raise ValueError("holds a password: name it in OTEL_EXPORTER_OTLP_HEADERS instead")
        return value if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}{COLLECTOR_PATH}"


class LogsSettings(Section):
    format: Literal["text", "json"] = Field("text", description="json: one object a line, with camera, frame and trace")
    repeats: int = Field(
        20, ge=1, description="times a minute that one message is told of one camera; the others are counted"
    )
