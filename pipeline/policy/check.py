"""Whether faces may be read, as far as the settings can tell: a purpose is declared, and it is not forbidden. Pure.

The ban is that of the EU's AI Act, Art. 5(1)(f): no inference of emotions in the areas of workplace and education,
except for medical or safety reasons. It cannot be seen here whether what is declared is true; docs/policy.md says what
is covered and what is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from pipeline.errors import UsageError
from pipeline.settings import ExceptionSettings, PlaceKind, PlaceSettings, PolicySettings, Settings

FORBIDDEN: frozenset[PlaceKind] = frozenset({"workplace", "education"})
STAFF_AROUND: frozenset[PlaceKind] = frozenset({"care", "health", "retail", "hospitality", "public-space"})
LINES = """write into the settings what faces are read for, and where:
  policy:
    purpose: ...   # a sentence for those who are filmed
    setting: care  # or {others}
docs/policy.md explains them; `emostream up` also takes --purpose and --setting"""


@dataclass(frozen=True)
class Finding:
    """What is wrong, or is to be thought of. `field`: of the settings."""

    field: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}; {self.hint}"


def refusals(policy: PolicySettings) -> list[Finding]:
    """Why faces must not be read with these settings; none: nothing that could be told from them."""
    if policy.purpose is None or policy.setting is None:
        others = ", ".join(kind for kind in PlaceKind.__args__ if kind != "care")  # type: ignore[attr-defined]
        return [Finding("policy.purpose", "not declared", LINES.format(others=others))]
    found = [_refusal("policy", policy.setting, policy.exception)]
    found += [_refusal(field, place.setting, place.exception) for field, place in _places(policy)]
    return [finding for finding in found if finding is not None]


def declared(settings: Settings, purpose: str | None, setting: PlaceKind | None) -> Settings:
    """The settings with what the command line declares, as far as it does. Raises UsageError."""
    given = {"purpose": purpose, "setting": setting}
    wanted = {**settings.policy.model_dump(), **{name: value for name, value in given.items() if value is not None}}
    try:
        policy = PolicySettings.model_validate(wanted)
    except ValidationError as error:
        text = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"--purpose, --setting: {text}", "give both") from None
    return settings.model_copy(update={"policy": policy})


def as_shown(settings: Settings, purpose: str) -> Settings:
    """A demonstration of this purpose, where the settings declare nothing."""
    return declared(settings, purpose, "demonstration") if settings.policy.purpose is None else settings


def require(policy: PolicySettings) -> None:
    """Raises UsageError, which says what to write, when faces must not be read with these settings."""
    for finding in refusals(policy):
        raise UsageError(f"{finding.field}: {finding.message}", finding.hint)


def remarks(settings: Settings) -> list[Finding]:
    """What is not refused, and should be thought of all the same."""
    policy = settings.policy
    found = []
    if not policy.operator:
        found.append(Finding("policy.operator", "nobody is named", "the notice has to say who runs this"))
    if not policy.contact:
        found.append(Finding("policy.contact", "nobody is named", "the notice has to say whom people may ask"))
    zones = {zone.id for zone in settings.zones}
    for name in policy.zones:
        if name not in zones:
            found.append(Finding(f"policy.zones.{name}", "there is no such zone", "check its name in `zones`"))
    if policy.setting in STAFF_AROUND and not any(place.setting == "workplace" for _, place in _places(policy)):
        hint = "mask the places where they work, or give these a policy of their own in policy.zones"
        found.append(Finding("policy.setting", f"{policy.setting}: people work there, and are filmed too", hint))
    if policy.setting == "demonstration":
        hint = "whoever is filmed must know all the same; declare another setting before anybody relies on it"
        found.append(Finding("policy.setting", "a demonstration", hint))
    return found


def _places(policy: PolicySettings) -> Iterator[tuple[str, PlaceSettings]]:
    for section, places in (("zones", policy.zones), ("cameras", policy.cameras)):
        for name, place in places.items():
            yield f"policy.{section}.{name}", place


def _refusal(field: str, setting: PlaceKind, exception: ExceptionSettings | None) -> Finding | None:
    if setting not in FORBIDDEN or exception is not None:
        return None
    said = "reading emotions there is forbidden but for medical or safety reasons (EU AI Act, Art. 5(1)(f))"
    hint = f"record the exception in {field}.exception with kind, reference and person, or do not film there"
    return Finding(f"{field}.setting", f"{setting}: {said}", hint)
