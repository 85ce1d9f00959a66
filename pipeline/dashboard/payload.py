"""What the page is told, as JSON: one function a value. Pure. Times are milliseconds of Unix time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipeline.messages import LABELS, Alert, DesiredCamera, Face, ModelRef, Window
from pipeline.watch.camera import CameraNow, Seen
from pipeline.watch.condition import Condition
from pipeline.watch.flow import FlowPoint
from pipeline.watch.roles import RoleNow
from pipeline.watch.windows import KeptWindow

FACES = 40  # of one picture; more could not be told apart on it
STANDING_ALERTS = 300
RECENT_ALERTS = 50

Json = dict[str, Any]


def milliseconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)


def camera(now: CameraNow, condition: Condition) -> Json:
    preview = now.preview
    return {
        "id": now.id,
        "kind": condition.kind,
        "level": condition.level,
        "since": milliseconds(condition.since),
        "words": condition.words,
        "source": now.source or (now.desired.uri if now.desired else ""),
        "session": now.session,
        "fps": now.fps,
        "expected": now.expected_fps,
        "lag": now.lag,
        "dropped": dict(now.dropped),
        "dead": now.dead,
        "preview": f"{preview.session}-{preview.seq}" if preview else None,
        "seen": None if now.shown is None else seen(now.shown),
        "desired": None if now.desired is None else desired(now.desired),
    }


def seen(shown: Seen) -> Json:
    return {
        "at": milliseconds(shown.captured_at),
        "size": [shown.width, shown.height],
        "faces": [face(each) for each in shown.faces[:FACES]],
        "more": max(0, len(shown.faces) - FACES),
    }


def face(known: Face) -> Json:
    """`untold`: why no expression is told of it."""
    box = known.bbox
    return {
        "box": [round(min(max(side, 0.0), 1.0), 4) for side in (box.x, box.y, box.width, box.height)],
        "track": known.track_id,
        "label": known.label,
        "confidence": known.confidence,
        "untold": known.reason or "not read" if known.abstained or known.label is None else None,
        "zones": known.zone_ids,
    }


def desired(wanted: DesiredCamera) -> Json:
    return {
        "uri": wanted.uri,
        "credentials": wanted.credentials,
        "fps": wanted.fps,
        "loop": wanted.loop,
        "realtime": wanted.realtime,
        "paused": wanted.paused,
        "masks": len(wanted.masks),
        "origin": wanted.origin,
        "by": wanted.changed_by,
        "at": milliseconds(wanted.changed_at),
    }


def alert(told: Alert) -> Json:
    return {
        "id": told.alert_id,
        "rule": told.rule,
        "title": told.title or told.rule,
        "state": told.state,
        "severity": told.severity,
        "scope": told.scope,
        "of": told.id,
        "since": milliseconds(told.since),
        "at": milliseconds(told.at),
        "reason": told.reason,
        "cameras": told.cameras,
        "stale": told.stale,
        "cleared_by": told.cleared_by,
        "acknowledged_by": told.acknowledged_by,
        "silenced_until": milliseconds(told.silenced_until),
    }


def alerts(standing: Sequence[Alert], recent: Sequence[Alert]) -> Json:
    """The newest of each; `count`: how many stand."""
    return {
        "count": len(standing),
        "standing": [alert(each) for each in standing[:STANDING_ALERTS]],
        "recent": [alert(each) for each in recent[:RECENT_ALERTS]],
    }


def role(now: RoleNow) -> Json:
    status = now.status
    return {
        "role": status.role,
        "instance": status.instance,
        "host": status.host,
        "version": status.version,
        "state": "silent" if now.silent else status.state,
        "detail": status.detail,
        "started": milliseconds(status.started_at),
        "heard": milliseconds(now.heard_at),
        "clock": None if status.clock is None else [status.clock.seconds, status.clock.uncertainty],
    }


def flow(points: Sequence[FlowPoint]) -> list[list[float | int | None]]:
    """Start, frames and faces a second, half and 95 % of the latencies, backlog."""
    return [[milliseconds(p.start), p.frames_per_second, p.faces_per_second, p.p50, p.p95, p.backlog] for p in points]


def cell(kept: KeptWindow) -> list[float | int | None]:
    """A window in an overview: start, number of the expression told most, its share, coverage, of it seen blind."""
    label = None if kept.label is None else LABELS.index(kept.label)
    return [milliseconds(kept.start), label, kept.share, kept.coverage, kept.blind]


def window(told: Window) -> Json:
    shares = None if told.suppressed or told.label_share is None else told.label_share
    return {
        "start": milliseconds(told.start),
        "end": milliseconds(told.end),
        "revision": told.revision,
        "final": told.final,
        "coverage": told.coverage,
        "blind": told.blind,
        "expected": round(told.frames.expected),
        "observed": told.frames.observed,
        "dead": told.frames.dead_lettered,
        "dropped": told.frames.dropped,
        "blind_cameras": told.blind_cameras,
        "cameras": sorted(told.cameras),
        "faces": told.n_face_frames,
        "tracks": told.n_tracks,
        "told": told.n_told,
        "abstained": told.n_abstained,
        "shares": None if shares is None else [round(shares.get(label, 0.0), 4) for label in LABELS],
        "suppressed": told.suppressed,
    }


def model(ref: ModelRef | None) -> Json | None:
    return None if ref is None else {"name": ref.name, "version": ref.version, "sha256": ref.sha256}
