"""What was read while the system ran."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.soak.kills import Kill
from tests.soak.processes import Reading


@dataclass
class Measured:
    """Times in seconds since the start. `seconds`: length of the run.

    `load`: time, frames/s asked of each restless camera, frames that wait for the analyzers. `disk`: time, bytes by
    folder. `commands`: one command line of some roles.
    """

    seconds: float
    readings: list[Reading] = field(default_factory=list)
    disk: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    load: list[tuple[float, float, int]] = field(default_factory=list)
    killed: list[Kill] = field(default_factory=list)
    commands: dict[str, str] = field(default_factory=dict)
