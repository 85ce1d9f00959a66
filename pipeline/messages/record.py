"""What all JSON records are."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import BadRecord

SCHEMA_VERSION = 1
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Apparent expressions, in the order of every score vector."""


class Record(BaseModel):
    """Base of the JSON values: unknown fields of a newer release are ignored, ours are immutable."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")
    schema_version: int = SCHEMA_VERSION

    def encode(self) -> bytes:
        return self.model_dump_json().encode()

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """Raises BadRecord(reason="schema") when the value is not this message."""
        try:
            return cls.model_validate_json(value or b"")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "value"
            raise BadRecord("schema", f"not a {cls.__name__}: {where}: {first['msg']}") from None


Scores = Annotated[dict[str, float], Field(description="probability of each apparent expression, sum 1")]


def scores_of(probabilities: Sequence[float]) -> dict[str, float]:
    """Score vector -> {label: probability}, rounded to 4 digits for the wire."""
    return {label: round(float(p), 4) for label, p in zip(LABELS, probabilities, strict=True)}


class Scope(StrEnum):
    """What a window speaks of."""

    CAMERA = "camera"
    ZONE = "zone"
    SITE = "site"


class OfScope(Record):
    """A record of one camera, zone or site. `id`: its name."""

    scope: Scope
    site: str
    id: str

    @property
    def owner(self) -> str:
        """Decides the partition: all such records of one scope are in one, in order."""
        return f"{self.scope}/{self.site}/{self.id}"
