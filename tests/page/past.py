"""Hours of windows and alerts of a made-up site."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from pipeline.messages import LABELS, Alert, AlertState, ClearedBy, FrameCounts, Scope, Window
from pipeline.topics import ALERTS, WINDOWS

MINUTE = timedelta(minutes=1)
FIVE = timedelta(minutes=5)
SPECS = (("60s", 1), ("300s/60s", 5))
CALM = 75  # minutes
DISTRESS = 12  # minutes for which the first room's alert stands
ZONES = ("bed-101", "bed-102", "door")


class Room(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def trouble(self) -> str: ...


def past(
    site: str, rooms: Sequence[Room], now: datetime, hours: float, rng: random.Random
) -> Iterator[tuple[str, Any]]:
    """(topic, record): windows of a minute and of five, each of the last hours; some alerts."""
    first = now.replace(second=0, microsecond=0) - timedelta(hours=hours)
    minutes = int(hours * 60)
    for room in rooms:
        moods = _moods(minutes, rng)
        if room is rooms[0]:  # calm, until its alert
            moods[-CALM:] = [_shares("neutral", rng) for _ in moods[-CALM:]]
            moods[-DISTRESS:] = [_shares("fear", rng) for _ in moods[-DISTRESS:]]
        lost = _lost(room.trouble, minutes, rng)
        for spec, length in SPECS:
            for number in range(minutes - length + 1):
                start = first + number * MINUTE
                yield WINDOWS, _window(site, Scope.CAMERA, room.id, spec, start, length, moods[number], lost[number])
    for zone in ZONES:
        moods = _moods(minutes, rng)
        for spec, length in SPECS:
            for number in range(minutes - length + 1):
                start = first + number * MINUTE
                yield WINDOWS, _window(site, Scope.ZONE, zone, spec, start, length, moods[number], 0.0)
    yield from ((ALERTS, alert) for alert in _alerts(site, rooms, now))


def _moods(minutes: int, rng: random.Random) -> list[dict[str, float] | None]:
    """Shares of each expression a minute; None while nobody is there."""
    mood, made, away = "neutral", [], 0
    for _ in range(minutes):
        if rng.random() < 0.04:
            mood = rng.choice(["neutral", "neutral", "happy", "sad", "surprise", "fear", "angry"])
        if rng.random() < 0.01:
            away = rng.randrange(5, 40)
        away = max(0, away - 1)
        made.append(None if away else _shares(mood, rng))
    return made


def _shares(mood: str, rng: random.Random) -> dict[str, float]:
    strong = {"neutral": 1.2, mood: 2.2} if mood != "fear" else {"fear": 2.2, "sad": 0.9, "neutral": 0.4}
    weights = [rng.random() * 0.25 + strong.get(label, 0.0) for label in LABELS]
    return {n: round(w / sum(weights), 4) for n, w in zip(LABELS, weights, strict=True)}


def _lost(trouble: str, minutes: int, rng: random.Random) -> list[float]:
    """Part of the frames that was lost, a minute."""
    lost = [rng.random() * 0.03 for _ in range(minutes)]
    for _ in range(rng.randrange(0, 3)):
        begins = rng.randrange(minutes)
        for minute in range(begins, min(minutes, begins + rng.randrange(3, 15))):
            lost[minute] = rng.choice([1.0, 0.6])
    if trouble in ("down", "silent", "failed", "paused"):
        for minute in range(max(0, minutes - rng.randrange(10, 60)), minutes):
            lost[minute] = 1.0
    return lost


def _window(
    site: str,
    scope: Scope,
    name: str,
    spec: str,
    start: datetime,
    length: int,
    shares: dict[str, float] | None,
    lost: float,
) -> Window:
    expected = 600.0 * length
    observed = round(expected * (1 - lost))
    told = 0 if shares is None or not observed else round(observed * 0.8)
    end = start + length * MINUTE
    return Window(
        scope=scope, site=site, id=name, spec=spec, start=start, end=end, revision=0, final=True, as_of=end,
        frames=FrameCounts(expected=expected, observed=observed, dropped={"buffer_full": round(expected) - observed}),
        coverage=round(1 - lost, 4), blind=0.0, cameras={name: round(1 - lost, 4)}, n_face_frames=round(told * 1.2),
        n_tracks=1 if told else 0, n_told=told, n_abstained=round(told * 0.2),
        label_share=shares if told else None, scores_mean=shares if told else None,
    )  # fmt: skip


def _alerts(site: str, rooms: Sequence[Room], now: datetime) -> Iterator[Alert]:
    def alert(number: int, room: str, since: timedelta, **values: Any) -> Alert:
        told = {
            "scope": Scope.CAMERA, "site": site, "id": room, "alert_id": f"{number:016x}", "update": 0,
            "rule": "distress", "title": "Apparent distress, please look in", "state": AlertState.RAISED,
            "severity": "critical", "since": now - since, "at": now - since + FIVE, "value": 0.7, "threshold": 0.6,
            "reason": "Apparent distress: apparent fear or sad in 70% of the readings, more than 60%",
            "coverage": 0.98, "cameras": {room: ""}, "windows": [], **values,
        }  # fmt: skip
        return Alert.model_validate(told)

    first, second = rooms[0].id, rooms[1 % len(rooms)].id
    yield alert(1, first, DISTRESS * MINUTE)
    sad = {"severity": "warning", "title": "Often sad today", "rule": "sad"}
    yield alert(2, second, timedelta(minutes=95), **sad)
    over = {"update": 1, "state": AlertState.CLEARED, "cleared_by": ClearedBy.DATA, "reason": "Often sad today: over"}
    yield alert(2, second, timedelta(minutes=95), **sad, **over, at=now - timedelta(minutes=70))
    for room in rooms[3:4]:
        if room.trouble:
            yield alert(3, room.id, timedelta(minutes=20), rule="no-data", title="No usable pictures",
                        cameras={room.id: "silent"}, reason=f"No usable pictures: camera {room.id}: silent", value=0.0,
                        threshold=0.2)  # fmt: skip
