"""Which cameras are to be started and which to be stopped: from what is wanted and what runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.messages import DesiredCamera


@dataclass(frozen=True)
class Wanted:
    """What the topic `cameras` asks of a site's capture processes, and `mine`: which of these are this process's."""

    cameras: Mapping[str, DesiredCamera] = field(default_factory=dict)
    mine: frozenset[str] = frozenset()

    def paused(self, camera: str) -> bool:
        return camera in self.cameras and self.cameras[camera].paused


@dataclass(frozen=True)
class Steps:
    """`stop`: by id, with the reason. `start`: ids; a camera that was changed is in both."""

    stop: Mapping[str, str]
    start: frozenset[str]


def steps(running: Mapping[str, DesiredCamera | None], own: frozenset[str], wanted: Wanted) -> Steps:
    """`running`: the cameras that run, None for one of the process's `own` settings, which wins over an added one."""
    to_run: dict[str, DesiredCamera | None] = {name: wanted.cameras[name] for name in wanted.mine}
    to_run |= dict.fromkeys(own)
    to_run = {name: camera for name, camera in to_run.items() if not wanted.paused(name)}
    stop = {
        name: _reason(name, wanted) for name, camera in running.items() if name not in to_run or to_run[name] != camera
    }
    return Steps(stop, frozenset(name for name in to_run if name not in running or name in stop))


def _reason(name: str, wanted: Wanted) -> str:
    camera = wanted.cameras.get(name)
    if camera is None:
        return "removed"
    if camera.paused:
        return f"paused by {camera.changed_by}" if camera.changed_by else "paused"
    return "changed" if name in wanted.mine else "another capture process takes it over"
