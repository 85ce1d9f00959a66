"""Settings of the page, and of what it and the API remember of the topics."""

from __future__ import annotations

from pydantic import Field, field_validator

from pipeline.settings.section import Section


class WatchSettings(Section):
    """What the page and the API know of the site, in memory. It is read anew from the topics at every start."""

    hours: float = Field(6, gt=0, le=168, description="windows and alerts of so many hours are kept")
    windows: int = Field(100_000, ge=1000, description="the most windows that are kept, about 1.5 kB each")
    silent_seconds: float = Field(10, ge=2, description="a camera of which nothing comes for longer is silent")


class DashboardSettings(Section):
    """The page."""

    host: str = Field("127.0.0.1", description="address it listens on; others than loopback need tokens")
    port: int = Field(8401, ge=0, le=65535, description="0: a free one")
    api_url: str = Field(
        "", description="the control API, http://host:port; none: where the section api lets it listen"
    )
    names: list[str] = Field(
        [], description="host names that it is asked under, beside this machine's own; looked at while it has no tokens"
    )
    refresh_seconds: float = Field(1.0, ge=0.2, le=30, description="how often open pages are told what is new")
    connections: int = Field(64, ge=1, description="pages that may be open at once; more are told to come later")

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("no http:// or https:// address")
        return url.rstrip("/")
