"""Settings of what the roles run on."""

from __future__ import annotations

from pathlib import Path

from pydantic import (
    Field,
)

from pipeline.settings.section import Section


class RaySettings(Section):
    address: str | None = Field(None, description="an existing cluster; none: a local one is started")
    object_store_mebibytes: int = Field(128, ge=80)
    analyzer_cpus: float = Field(
        0,
        ge=0,
        description="CPUs that each analyzer asks Ray for, which then finds or brings a node with so many; 0: any node",
    )


class MetricsSettings(Section):
    port: int = Field(
        0, ge=0, le=65535, description="port of capture's /metrics, 0: a free one; analyzers take free ones"
    )
    host: str = Field("127.0.0.1", description="address the endpoint listens on")
    targets_dir: Path | None = Field(None, description="folder where each role lists its endpoints (file_sd)")
