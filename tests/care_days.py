"""Days of a room, minute by minute, as the topics hold them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

from pipeline.care.day import Day
from pipeline.care.summary import Records
from pipeline.care.timeline import Place
from pipeline.messages import (
    LABELS,
    Alert,
    AlertState,
    AuditOutcome,
    AuditRecord,
    CameraState,
    CameraStatus,
    ClearedBy,
    FrameCounts,
    Scope,
    Window,
    WindowRef,
)

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = Day(dt.date(2026, 11, 20), BERLIN)
ROOM = Place("house-elm", Scope.CAMERA, "room-12", frozenset({"room-12"}))
MINUTE = dt.timedelta(minutes=1)
EXPECTED = 300.0  # frames a minute
USUALLY: Mapping[str, float] = {
    "neutral": 0.66,
    "happy": 0.2,
    "sad": 0.05,
    "surprise": 0.05,
    "fear": 0.02,
    "angry": 0.02,
}
SADLY: Mapping[str, float] = {"neutral": 0.4, "happy": 0.06, "sad": 0.46, "fear": 0.06, "angry": 0.02}


def window(start: dt.datetime, shares: Mapping[str, float] | None = None, **changes: object) -> Window:
    """A minute of the room: with faces of these shares; without, nobody was there. All of it was seen."""
    told = 200 if shares else 0
    values: dict[str, object] = {
        "scope": ROOM.scope, "site": ROOM.site, "id": ROOM.id, "spec": "60s", "start": start, "end": start + MINUTE,
        "revision": 0, "final": True, "as_of": start + MINUTE, "coverage": 1.0, "blind": 0.0,
        "frames": FrameCounts(expected=EXPECTED, observed=int(EXPECTED)), "cameras": {"room-12": 1.0},
        "n_face_frames": told, "n_tracks": bool(told), "n_told": told, "n_abstained": 0,
        "label_share": {label: shares.get(label, 0.0) for label in LABELS} if shares else None,
    }  # fmt: skip
    return Window.model_validate({**values, **changes})


def status(at: dt.datetime, state: CameraState, reason: str = "", camera: str = "room-12") -> CameraStatus:
    return CameraStatus(site=ROOM.site, camera=camera, session=1, at=at, state=state, reason=reason)


def alert(raised: dt.datetime, **changes: object) -> Alert:
    """Apparent distress, told for the first time."""
    values: dict[str, object] = {
        "scope": ROOM.scope, "site": ROOM.site, "id": ROOM.id, "alert_id": "c7c0e19f32a1b0d4", "update": 0,
        "rule": "distress", "title": "Apparent distress, please look in", "state": AlertState.RAISED,
        "severity": "critical", "since": raised - 4 * MINUTE, "at": raised, "value": 0.71, "threshold": 0.6,
        "reason": "Apparent distress, please look in: apparent angry, disgust, fear or sad in 71% of the readings, "
        "more than 60%",
        "coverage": 0.98, "cameras": {"room-12": ""}, "windows": [],
    }  # fmt: skip
    return Alert.model_validate({**values, **changes})


@dataclass(frozen=True)
class Scene:
    """From an hour of the clock on."""

    hour: float
    shares: Mapping[str, float] | None = None
    gone: bool = False  # no window at all, the camera is down or paused
    covered: bool = False
    unreadable: bool = False


QUIET_DAY = (Scene(0), Scene(6.6, USUALLY), Scene(9), Scene(10.2, USUALLY), Scene(12), Scene(14, USUALLY), Scene(17.6),
             Scene(18.5, {"neutral": 0.9, "happy": 0.1}), Scene(21.8))  # fmt: skip
NOTABLE_DAY = (
    Scene(0), Scene(2 + 1 / 6, gone=True), Scene(4.5), Scene(6.6, USUALLY), Scene(9), Scene(9.5, gone=True),
    Scene(10.25, USUALLY), Scene(12), Scene(14, SADLY), Scene(17.6), Scene(18.5, {"neutral": 0.9, "happy": 0.1}),
    Scene(20, covered=True), Scene(20.4, unreadable=True), Scene(21, USUALLY), Scene(21.8),
)  # fmt: skip


def windows(day: Day, scenes: tuple[Scene, ...], seed: int) -> Iterator[Window]:
    """With chance in who is there when, and in the shares."""
    rng = random.Random(seed)
    at, visit = day.start, 0
    while at < day.end:
        local = at.astimezone(day.zone)
        scene = [each for each in scenes if each.hour <= local.hour + local.minute / 60 + 1e-9][-1]
        visit = max(0, visit - 1) or (rng.randrange(5, 40) if scene.shares and rng.random() < 0.06 else 0)
        if scene.covered:
            yield window(at, blind=1.0, blind_cameras={"room-12": "covered"})
        elif scene.unreadable:
            yield window(at, n_face_frames=120, n_abstained=120)
        elif not scene.gone:
            yield window(at, _shaken(scene.shares, rng) if scene.shares and visit else None)
        at += MINUTE


def _shaken(shares: Mapping[str, float], rng: random.Random) -> dict[str, float]:
    drawn = {label: rng.gammavariate(8 * share + 0.05, 1) for label, share in shares.items()}
    whole = sum(drawn.values())
    return {label: value / whole for label, value in drawn.items()}


@cache
def notable_records() -> Records:
    """A week of which the last day has something of everything."""
    found = [each for back in FRIDAY.before(6) for each in windows(back, QUIET_DAY, back.date.toordinal())]
    found += windows(FRIDAY, NOTABLE_DAY, 7)

    def clock(hour: int, minute: int) -> dt.datetime:
        return dt.datetime.combine(FRIDAY.date, dt.time(hour, minute), BERLIN).astimezone(dt.UTC)

    raised = clock(15, 6)
    refs = [WindowRef(key=window(raised - minutes * MINUTE).key) for minutes in (3, 2, 1)]
    late = window(raised - 2 * MINUTE, SADLY, revision=1)
    first = alert(raised, windows=refs)
    acknowledged = {"acknowledged_at": clock(15, 9), "acknowledged_by": "Ada"}
    alerts = [
        first,
        alert(raised, update=1, state=AlertState.UPDATED, **acknowledged),
        alert(clock(15, 31), update=2, state=AlertState.CLEARED, cleared_by=ClearedBy.DATA, **acknowledged),
        alert(
            clock(2, 13), alert_id="no-data-1", rule="no-data", title="No usable pictures", since=clock(2, 10),
            reason="No usable pictures: camera room-12: down", coverage=0.0,
        ),
        alert(
            clock(4, 33), alert_id="no-data-1", rule="no-data", title="No usable pictures", since=clock(2, 10),
            update=1, state=AlertState.CLEARED, cleared_by=ClearedBy.DATA, coverage=1.0,
        ),
    ]  # fmt: skip
    statuses = [
        status(FRIDAY.start - 100 * MINUTE, CameraState.UP),
        status(clock(2, 10), CameraState.DOWN, "no answer in 10 s"),
        status(clock(4, 30), CameraState.UP),
        status(clock(9, 30), CameraState.STOPPED, "paused by Ada"),
        status(clock(10, 15), CameraState.UP),
    ]
    audit = [
        _deed(clock(9, 30), "camera.pause", "personal care"),
        _deed(clock(10, 15), "camera.resume"),
    ]
    return Records([*found, late], alerts, statuses, audit)


def _deed(at: dt.datetime, action: str, reason: str = "") -> AuditRecord:
    return AuditRecord(
        site=ROOM.site, at=at, who="Ada", role="operator", action=action, target="camera/room-12",
        outcome=AuditOutcome.DONE, reason=reason,
    )  # fmt: skip
