"""What all sections of the settings are."""

from __future__ import annotations

import re

from pydantic import (
    BaseModel,
    ConfigDict,
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def check_name(name: str) -> str:
    """A site's or camera's name: it is part of keys and ids. Raises ValueError."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name: letters, digits, dot, dash and underscore, at most 63, please")
    return name
