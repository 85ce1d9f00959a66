"""What a camera's records mean to whoever looks after it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pipeline.messages import CameraState
from pipeline.watch.camera import CameraNow

CONNECTING_SECONDS = 20.0  # longer is worth a look
LATE_SECONDS = 10.0
FEW = 0.5  # part of the promised frames


class Level(StrEnum):
    """How much a camera wants to be looked at."""

    ATTENTION = "attention"  # nothing of use comes of it
    NOTICE = "notice"  # something does
    FINE = "fine"
    OFF = "off"  # nothing is wanted of it, or nothing more comes


class Kind(StrEnum):
    FAILED = "failed"
    DOWN = "down"
    SILENT = "silent"
    BLIND = "blind"
    WAITING = "waiting"  # for capture to take it up
    CONNECTING = "connecting"
    LATE = "late"
    FEW_FRAMES = "few frames"
    SEES = "sees"
    PAUSED = "paused"
    ENDED = "ended"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Condition:
    """`since`: None where nobody knows. `words`: why, in plain words; "" where the kind says it all."""

    kind: Kind
    level: Level
    since: datetime | None = None
    words: str = ""


GONE = {
    CameraState.FAILED: (Kind.FAILED, Level.ATTENTION),
    CameraState.DOWN: (Kind.DOWN, Level.ATTENTION),
    CameraState.ENDED: (Kind.ENDED, Level.OFF),
    CameraState.STOPPED: (Kind.STOPPED, Level.OFF),
}


def condition(camera: CameraNow, now: datetime, silent_seconds: float, behind: float = 0.0) -> Condition:
    """The worst that can be said of the camera. `silent_seconds`: with nothing for longer, a camera is silent.

    `behind`: seconds of work that wait for the analyzers. While those are many, nobody can know that one is silent.
    """
    desired, state = camera.desired, camera.state
    if desired is not None and desired.paused:
        by = f"by {desired.changed_by}" if desired.changed_by else ""
        return Condition(Kind.PAUSED, Level.OFF, desired.changed_at, by)
    if state is None and camera.seen_at is None:
        return _waiting(camera, now, silent_seconds)
    if state in GONE:
        kind, level = GONE[state]
        if state is CameraState.STOPPED and desired is not None:  # but not paused: its process was, not the camera
            level = Level.NOTICE if _fresh(camera.since, now, silent_seconds) else Level.ATTENTION
        return Condition(kind, level, camera.since, camera.reason)
    if state is CameraState.CONNECTING:
        long = camera.since is not None and (now - camera.since).total_seconds() > CONNECTING_SECONDS
        return Condition(Kind.CONNECTING, Level.ATTENTION if long else Level.NOTICE, camera.since, camera.reason)
    last = max((at for at in (camera.seen_at, camera.since) if at is not None), default=None)
    if last is None or (now - last).total_seconds() > silent_seconds:
        if behind > LATE_SECONDS and last is not None:
            words = f"the analyzers are {behind:.0f} s behind: nothing newer is known of it"
            return Condition(Kind.LATE, Level.ATTENTION, camera.seen_at or camera.since, words)
        told = _fresh(camera.heard_at, now, silent_seconds)
        words = "capture tells of it, but no frame is analyzed" if told else "nothing is heard of it"
        return Condition(Kind.SILENT, Level.ATTENTION, camera.seen_at or camera.since, words)
    if camera.sight:
        return Condition(Kind.BLIND, Level.ATTENTION, camera.sight_since, camera.sight.replace("_", " "))
    if camera.lag is not None and camera.lag > LATE_SECONDS:
        return Condition(Kind.LATE, Level.NOTICE, None, f"what is seen is {camera.lag:.0f} s old")
    settled = camera.since is None or (now - camera.since).total_seconds() > silent_seconds
    if settled and camera.expected_fps and camera.fps < FEW * camera.expected_fps:
        return Condition(Kind.FEW_FRAMES, Level.NOTICE, None, f"{camera.fps:g} of {camera.expected_fps:g} frames/s")
    return Condition(Kind.SEES, Level.FINE, camera.since)


def _waiting(camera: CameraNow, now: datetime, silent_seconds: float) -> Condition:
    since = camera.desired.changed_at if camera.desired else None
    fresh = _fresh(since, now, silent_seconds)
    words = "capture takes it up" if fresh else "no capture process has taken it up"
    return Condition(Kind.WAITING, Level.NOTICE if fresh else Level.ATTENTION, since, words)


def _fresh(at: datetime | None, now: datetime, seconds: float) -> bool:
    return at is not None and (now - at).total_seconds() <= seconds
