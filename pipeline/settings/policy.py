"""Settings of what the system is for: declared, or it does not run. docs/policy.md explains every part."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from pipeline.settings.section import Section, check_name

PlaceKind = Literal[
    "care",
    "health",
    "safety",
    "retail",
    "hospitality",
    "public-space",
    "home",
    "research",
    "demonstration",
    "workplace",
    "education",
]
ExceptionKind = Literal["medical", "safety"]


def _said(text: str) -> str:
    if not any(character.isalpha() for character in text):
        raise ValueError("say it in words: nothing is said here")
    return text.strip()


class ExceptionSettings(Section):
    """Why faces may be read where that is otherwise forbidden, recorded by somebody who answers for it."""

    kind: ExceptionKind = Field(description="medical or safety: the law knows no other")
    reference: str = Field(description="the document that explains it: an assessment, a decision, a file number")
    person: str = Field(description="who is responsible for it")

    @field_validator("reference", "person")
    @classmethod
    def _is_said(cls, text: str) -> str:
        return _said(text)


class PlaceSettings(Section):
    """What holds in one zone, or before one camera, in place of the site's."""

    setting: PlaceKind = Field(description="what kind of place it is")
    purpose: str | None = Field(None, description="what it is for; none: as at the site")
    exception: ExceptionSettings | None = Field(None, description="recorded exception, for workplace and education")

    @field_validator("purpose")
    @classmethod
    def _is_said(cls, text: str | None) -> str | None:
        return None if text is None else _said(text)


class PolicySettings(Section):
    purpose: str | None = Field(None, description="what faces are read for, in a sentence for those who are filmed")
    setting: PlaceKind | None = Field(
        None,
        description="what kind of place it is; workplace where the people filmed are staff, education where they are "
        "pupils or students, whatever else the place is: "
        "care, health, safety, retail, hospitality, public-space, home, research, demonstration, workplace, education",
    )
    exception: ExceptionSettings | None = Field(None, description="recorded exception, for workplace and education")
    operator: str = Field("", description="organisation or person that runs it, as the notice is to name it")
    contact: str = Field("", description="whom people may ask, with how to reach them")
    zones: dict[str, PlaceSettings] = Field(
        default_factory=dict, description="by zone, what holds there: a staff zone inside a care home"
    )
    cameras: dict[str, PlaceSettings] = Field(default_factory=dict, description="by camera, what holds before it")

    @field_validator("purpose")
    @classmethod
    def _is_said(cls, text: str | None) -> str | None:
        return None if text is None else _said(text)

    @field_validator("zones", "cameras")
    @classmethod
    def _are_names(cls, places: dict[str, PlaceSettings]) -> dict[str, PlaceSettings]:
        for name in places:
            check_name(name)
        return places

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if self.purpose is None and self.setting is not None:
            raise ValueError("a setting without a purpose: policy.purpose says what faces are read for")
        if self.purpose is not None and self.setting is None:
            raise ValueError("a purpose without a setting: policy.setting says what kind of place it is")
        return self
