"""What the log has told of one camera's frames: the terms of the equation, as sums to be added to counters. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Fates:
    """Each frame once, whatever was read twice.

    `expected`: frames that were promised. `unexplained`: those that were captured and of which nothing came, once
    nothing more is to come of their session: for these the equation does not hold.
    """

    captured: int = 0
    observed: int = 0
    dead_lettered: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    expected: float = 0.0
    unexplained: int = 0

    def drop(self, reason: str, frames: int) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + frames
