"""What is new since a version: each value is told again only where it differs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GONE_VERSIONS = 300  # whoever is further behind is told everything


@dataclass(frozen=True, slots=True)
class Delta:
    """`whole`: these are all values there are, not only the new ones."""

    version: int
    whole: bool
    changed: dict[str, Any]
    gone: list[str]


class Deltas:
    """Values by key; `version` grows with every update that changes something."""

    def __init__(self) -> None:
        self.version = 0
        self._values: dict[str, tuple[int, Any]] = {}
        self._gone: dict[str, int] = {}

    def update(self, values: Mapping[str, Any]) -> None:
        following = self.version + 1
        changed = False
        for key, value in values.items():
            known = self._values.get(key)
            if known is None or known[1] != value:
                self._values[key] = (following, value)
                self._gone.pop(key, None)
                changed = True
        for key in self._values.keys() - values.keys():
            del self._values[key]
            self._gone[key] = following
            changed = True
        if changed:
            self.version = following
            self._gone = {key: at for key, at in self._gone.items() if at > following - GONE_VERSIONS}

    def since(self, version: int) -> Delta:
        """0: nothing is known yet."""
        whole = version == 0 or version < self.version - GONE_VERSIONS or version > self.version
        changed = {key: value for key, (at, value) in self._values.items() if whole or at > version}
        gone = [] if whole else sorted(key for key, at in self._gone.items() if at > version)
        return Delta(self.version, whole, changed, gone)
