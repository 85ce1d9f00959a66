"""Settings of what is given up while analyzers are behind."""

from __future__ import annotations

from itertools import pairwise

from pydantic import Field, model_validator

from pipeline.settings.section import Section


class OverloadSettings(Section):
    """Steps, in this order, each taken while frames wait longer than so many seconds; none: never.

    By default no frame is given up: who would rather have fewer frames than late ones sets the third and the last.
    """

    no_previews_seconds: float | None = Field(10, gt=0, description="frames wait so long: no previews are made")
    even_readings_seconds: float | None = Field(
        10,
        gt=0,
        description="live cameras with the most faces to read get fewer readings a second, until it suffices; not "
        "where analyze.reread_seconds is 0",
    )
    half_frames_seconds: float | None = Field(
        None, gt=0, description="every second frame of live cameras is dropped, counted as thinned"
    )
    fewer_readings_seconds: float | None = Field(
        30, gt=0, description="readings of a face hold four times as long (analyze.reread_seconds)"
    )
    drop_seconds: float | None = Field(
        None, gt=0, description="frames of live cameras that waited so long are dropped, counted as overload"
    )

    @model_validator(mode="after")
    def _steps_follow_each_other(self) -> OverloadSettings:
        steps = (
            "no_previews_seconds",
            "even_readings_seconds",
            "half_frames_seconds",
            "fewer_readings_seconds",
            "drop_seconds",
        )
        taken = [(name, value) for name in steps if (value := getattr(self, name)) is not None]
        for (before, lower), (after, higher) in pairwise(taken):
            if higher < lower:
                raise ValueError(
                    f"{after} ({higher:g}) comes before {before} ({lower:g}): later steps need longer waits"
                )
        return self
