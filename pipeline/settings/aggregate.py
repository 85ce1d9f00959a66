"""Settings of windows."""

from __future__ import annotations

from pydantic import (
    Field,
)

from pipeline.settings.section import Section

LONGEST = 6 * 3600  # what is known of open windows is kept for a day


class WindowSettings(Section):
    """One kind of window. A new one begins every `every_seconds`; without it, where the last one ends."""

    seconds: int = Field(gt=0, le=LONGEST, multiple_of=10, description="length, at most six hours")
    every_seconds: int | None = Field(None, gt=0, multiple_of=10, description="less than the length: they overlap")

    @property
    def name(self) -> str:
        """As windows and alert rules call it."""
        every = self.every_seconds or self.seconds
        return f"{self.seconds}s" if every == self.seconds else f"{self.seconds}s/{every}s"


class AggregateSettings(Section):
    windows: list[WindowSettings] = Field(
        [WindowSettings(seconds=60), WindowSettings(seconds=300, every_seconds=60)],
        min_length=1,
        description="kinds of windows: `seconds`, and `every_seconds` where they overlap; multiples of 10",
    )
    grace_seconds: int = Field(
        30, ge=0, le=LONGEST, multiple_of=10, description="how long a window's late frames are waited for"
    )
    revision_seconds: int = Field(10, gt=0, multiple_of=10, description="least time between two revisions of a window")
    idle_seconds: float = Field(15, gt=0, description="a camera of which nothing is heard is silent after this")
    member: str | None = Field(
        None, description="name of this aggregator, the same after a restart, which then takes its place at once"
    )
    commit_seconds: float = Field(1.0, gt=0, description="outputs are flushed and offsets committed this often")
