"""Records of `emotion-events` as tests write them, and whole logs by seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.messages import (
    LABELS,
    Alert,
    AlertState,
    Box,
    CameraState,
    CameraStatus,
    Face,
    FrameCounts,
    Idle,
    Ledger,
    Message,
    ModelRef,
    Observation,
    Quality,
    RoleStatus,
    Scope,
    SeqRange,
    Stub,
    Window,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = ModelRef(name="model")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def face(label: str, track: str = "t", zones: Sequence[str] = ()) -> Face:
    scores = {name: 0.7 if name == label else 0.05 for name in LABELS}
    return Face(
        track_id=track, bbox=Box(x=0, y=0, width=1, height=1), detection_confidence=1, quality=Quality(size_px=50),
        scores=scores, label=label, confidence=0.7, zone_ids=list(zones),
    )  # fmt: skip


def observed(
    seq: int, seconds: float, faces: Sequence[Face] = (), session: int = 1, camera: str = "cam", blind: str = ""
) -> Observation:
    return Observation(
        event_id=f"site/{camera}/{session}/{seq}", site="site", camera=camera, session=session, seq=seq,
        captured_at=at(seconds), processed_at=START, width=1, height=1, detector=MODEL, model=MODEL, faces=list(faces),
        blind=blind,
    )  # fmt: skip


def stub(seq: int, seconds: float, camera: str = "cam") -> Stub:
    return Stub(
        event_id=f"site/{camera}/1/{seq}", site="site", camera=camera, session=1, seq=seq, captured_at=at(seconds),
        processed_at=START, reason="jpeg",
    )  # fmt: skip


def ledger(since: float, until: float, expected: float, camera: str = "cam", **values: object) -> Ledger:
    return Ledger.model_validate(
        {
            "site": "site", "camera": camera, "session": 1, "written_at": START, "covers_from": at(since),
            "covers_to": at(until), "first_seq": 0, "next_seq": 0, "expected": expected, "state": CameraState.UP,
            **values,
        }
    )  # fmt: skip


def idle(since: float, until: float) -> Idle:
    return Idle(site="site", camera="cam", since=at(since), until=at(until), written_at=START)


def camera_log(camera: str, seed: int) -> list[Message]:
    """A log that mostly goes forward: jumps, late frames, duplicates, drops, stubs."""
    rng = random.Random(f"{camera} {seed}")
    log: list[Message] = []
    now, seq = rng.uniform(0, 15), 0
    for _ in range(rng.randrange(1, 40)):
        now += rng.choice([0.3, 1, 1, 4, rng.uniform(0, 35)])
        kind = rng.random()
        if kind < 0.55:
            faces = [face(rng.choice(LABELS), rng.choice("xyz")) for _ in range(rng.randrange(3))]
            when = max(0.0, now - rng.choice([0, 0, 0, 5, 25, 60]))
            log.append(observed(seq, when, faces, camera=camera, blind=rng.choice(["", "", "dark", "frozen"])))
            seq += 1
        elif kind < 0.65:
            log.append(stub(seq, now, camera))
            seq += 1
        elif kind < 0.85:
            drops = {"full": [SeqRange(first=seq, last=seq + 1)]} if rng.random() < 0.5 else {}
            seq += 2 * bool(drops)
            log.append(ledger(max(0.0, now - rng.choice([1, 14])), now, 0, camera, dropped=drops))
        elif log:
            log.append(rng.choice(log))
    return log or [observed(0, 0, camera=camera)]


def busy_log(camera: str, seed: int, stops: float = 0.01) -> list[Message]:
    """Some minutes of a camera with a frame a second: moods that last, faces that leave, outages.

    `stops`: how probable it is that it is stopped or fails for a while, at each ledger record.
    """
    rng = random.Random(f"{camera} {seed}")
    outage = random.Random(seed).randrange(60, 200)  # all cameras at once
    log: list[Message] = []
    seq = session = 0
    mood, down, nobody = "neutral", 0, 0
    for second in range(300):
        if rng.random() < 0.03:
            mood = rng.choice(["sad", "sad", "happy", "neutral", "fear"])
        if rng.random() < 0.004 or (second == outage and rng.random() < 0.8):
            down = rng.randrange(10, 150)
        if rng.random() < 0.004:
            nobody = rng.randrange(10, 200)
        down, nobody = max(0, down - 1), max(0, nobody - 1)
        if not down:
            faces = [] if nobody else [face(rng.choice([mood, mood, mood, "neutral"]))]
            log.append(observed(seq, second + 0.5, faces, session=session, camera=camera))
            seq += 1
        if second % 5 == 4:
            stopped = rng.random() < stops
            state = {"final": True, "state": rng.choice([CameraState.STOPPED, CameraState.FAILED])} if stopped else {}
            log.append(ledger(second - 4, second + 1, 5, camera, session=session, **state))
            if stopped:
                session, seq, down = session + 1, 0, rng.randrange(20, 100)
    return log


def alert(**values: object) -> Alert:
    """That a room was sad for a minute."""
    return Alert.model_validate(
        {
            "scope": Scope.CAMERA, "site": "site", "id": "room", "alert_id": "0123456789abcdef", "update": 0,
            "rule": "sad", "title": "Apparent sadness", "state": AlertState.RAISED, "severity": "warning",
            "since": at(0), "at": at(60), "reason": "Apparent sadness", "value": 0.8, "threshold": 0.5,
            "coverage": 1.0, "cameras": {"room": ""}, "windows": [], **values,
        }
    )  # fmt: skip


def window(**values: Any) -> Window:
    told = {
        "scope": Scope.CAMERA, "site": "site", "id": "cam", "spec": "60s", "start": START,
        "end": START + timedelta(seconds=60), "revision": 0, "final": True, "as_of": START, "coverage": 0.9,
        "frames": FrameCounts(expected=100, observed=90), "cameras": {"cam": 0.9}, "n_face_frames": 0, "n_tracks": 0,
        "n_told": 0, "n_abstained": 0, "label_share": {"happy": 1.0}, **values,
    }  # fmt: skip
    return Window.model_validate(told)


def status(**values: Any) -> CameraStatus:
    told = {"site": "site", "camera": "cam", "session": 1, "at": START, "state": CameraState.UP, **values}
    return CameraStatus.model_validate(told)


def role(**values: Any) -> RoleStatus:
    told = {"role": "analyze", "instance": "0", "site": "site", "host": "h", "version": "1", "started_at": START}
    return RoleStatus.model_validate({**told, "at": START, **values})
