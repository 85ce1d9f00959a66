"""Settings of privacy: what of a person leaves the analyzers."""

from __future__ import annotations

from typing import Literal

from pydantic import (
    Field,
)

from pipeline.settings.section import Section

MOST_CELLS = 16


class PrivacySettings(Section):
    """docs/privacy.md explains each, docs/decisions/0016 and 0017 have the measurements."""

    mode: Literal["full", "aggregates"] = Field(
        "full", description="aggregates: no record of a face leaves the analyzers, only sums of ten seconds"
    )
    k_minimum: int = Field(
        5, ge=2, le=1000, description="aggregates: figures that fewer tracks are behind are withheld (`suppressed`)"
    )
    previews: bool = Field(True, description="blurred pictures of each camera for the page; never with aggregates")
    previews_per_second: float = Field(1.0, gt=0, le=5, description="previews of each camera, by its own time")
    preview_cells: int = Field(
        8, ge=4, le=MOST_CELLS, description="values that a preview has along its longer side; 8 hides any face"
    )

    @property
    def aggregates(self) -> bool:
        return self.mode == "aggregates"

    @property
    def shows_previews(self) -> bool:
        return self.previews and not self.aggregates
