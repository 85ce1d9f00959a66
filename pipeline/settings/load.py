"""Settings from a file and the environment."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline.errors import UsageError
from pipeline.settings.all import ResolvedSettings, Settings

PREFIX = "EMOSTREAM_"
NO_SETTINGS = {"EMOSTREAM_CACHE", "EMOSTREAM_DEBUG", "EMOSTREAM_MODEL_STORE", "EMOSTREAM_OFFLINE"}
"""Variables that are read where they are needed. The others with the prefix are settings."""
RUNS_HINT = "name a settings file with -c; a run's own is there while it runs"


def load(path: Path | None = None, **changes: Any) -> Settings:
    """Settings from a YAML file, then the environment, then `changes` (top-level fields, from the command line).

    Raises UsageError naming every field that is wrong, a line each.
    """
    try:
        settings = Settings(**_read(path))
        if changes:
            settings = ResolvedSettings.model_validate({**settings.model_dump(), **changes})
    except ValidationError as error:
        wrong = "\n".join(f"{path or 'settings'}: {each}" for each in faults(error))
        raise UsageError(wrong, "docs/settings.md lists every field") from None
    return settings


def faults(error: ValidationError) -> list[str]:
    """All that is wrong, each by its field; values are left out: they may be secrets."""
    found = []
    for each in error.errors(include_url=False, include_input=False):
        field = ".".join(map(str, each["loc"])) or "settings"
        unknown = each["type"] == "extra_forbidden"
        found.append(f"{field}: {'unknown setting' if unknown else each['msg'].removeprefix('Value error, ')}")
    return found


def _where(error: Exception) -> str:
    """What is wrong, and in which line."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return str(error).splitlines()[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', None) or 'not understood'}"


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", RUNS_HINT) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that is none, too
        raise UsageError(f"{path}: not YAML: {_where(error)}", "see docs/settings.md") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise UsageError(f"{path}: settings must be a mapping, of names", "see docs/settings.md")
    return values


def ignored(variables: Iterable[str]) -> list[str]:
    """Variables that look like settings and are none, as a mistyped one does.

    An orchestrator may set such for reasons of its own, so that they are no error.
    """
    known = Settings.model_fields
    return sorted(
        name
        for name in variables
        if name.startswith(PREFIX)
        and name not in NO_SETTINGS
        and name.removeprefix(PREFIX).partition("__")[0].lower() not in known
    )
