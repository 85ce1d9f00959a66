"""What no record of ours says, though it has the right form: times without a zone, scores that are no numbers. Pure.

Whoever counts such a record would fail at it, now and each time that it is read again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.errors import BadRecord
from pipeline.messages import (
    LABELS,
    Alert,
    CameraSight,
    CameraStatus,
    Crowd,
    CrowdRecord,
    Face,
    FrameRecord,
    Idle,
    Ledger,
    Observation,
    Record,
    RoleStatus,
    Window,
)
from pipeline.settings import NAME

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=366)  # files that are read fast are ahead of the clock, but not so far
SHORTEST = timedelta(seconds=1)  # window
COVERED = timedelta(days=31)  # by one record: it is spread over ten seconds each; an outage is covered by one
NUMBERS = 2**63
FRAMES = 1e9  # promised by one ledger record
NAME_CHARS = 255
MOST = 1.01  # a probability, with what is lost by rounding


def taken(record: Any) -> datetime:
    """When Kafka took a record, as kafka-python gives it; now, where nobody knows."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC) if record.timestamp > 0 else datetime.now(UTC)


def check(record: Record, taken: datetime) -> None:
    """`taken`: when Kafka took it. Raises BadRecord("value") naming the field."""
    for field, value in record:
        if isinstance(value, datetime):
            check_time(field, value, taken)
    match record:
        case FrameRecord():
            _check_names(record)
            _check_numbers(session=record.session, seq=record.seq)
            if isinstance(record, Observation):
                for face in record.faces:
                    _check_face(face)
        case Ledger():
            _check_names(record)
            _check_numbers(session=record.session, first_seq=record.first_seq, next_seq=record.next_seq)
            _check_numbers(dropped=max((seqs.last for each in record.dropped.values() for seqs in each), default=0))
            _demand(record.expected <= FRAMES, "expected", record.expected)
            _check_span("covers_from", record.covers_from, record.covers_to)
        case CrowdRecord():
            _check_names(record)
            _check_numbers(tracks=record.tracks, new=record.new)
            for part in record.parts:
                _check_crowd(part)
        case Idle():
            _check_names(record)
            _check_span("since", record.since, record.until)
        case CameraStatus() | CameraSight():
            _check_names(record)
            _check_numbers(session=record.session)
        case RoleStatus():
            for field in ("site", "role", "instance"):
                check_name(field, getattr(record, field))
        case Window():
            _check_window(record)
        case Alert():
            check_name("site", record.site)
            check_name("id", record.id)
            _check_numbers(update=record.update)
            _demand(math.isfinite(record.threshold), "threshold", record.threshold)
            _demand(record.value is None or math.isfinite(record.value), "value", record.value)
            _check_share("coverage", record.coverage)


def check_time(field: str, at: datetime, taken: datetime) -> None:
    """Raises BadRecord("value") for a time that nothing can have been captured at."""
    _demand(at.tzinfo is not None, field, f"{at} (no time zone)")
    _demand(EPOCH <= at <= taken + AHEAD, field, at)


def check_name(field: str, name: str) -> None:
    """Raises BadRecord("value") for a name that is none, or would make every record of its camera too large."""
    _demand(0 < len(name) <= NAME_CHARS, field, f"{name[:32]!r}, of {len(name)} characters")


def _check_names(record: FrameRecord | CrowdRecord | Ledger | Idle | CameraStatus | CameraSight) -> None:
    check_name("site", record.site)
    check_name("camera", record.camera)


def _check_numbers(**numbers: int) -> None:
    for field, number in numbers.items():
        _demand(0 <= number < NUMBERS, field, number)


def _check_span(field: str, since: datetime, until: datetime) -> None:
    _demand(timedelta(0) <= until - since <= COVERED, field, f"{since}, where the end is {until}")


def _check_face(face: Face) -> None:
    for field, value in face.bbox:
        _demand(math.isfinite(value), f"faces.bbox.{field}", value)
    _demand(face.label is None or face.label in LABELS, "faces.label", face.label)
    for field, scores in (("scores", face.scores), ("smoothed", face.smoothed)):
        if scores is not None:
            _check_scores(f"faces.{field}", scores)


def _check_crowd(part: Crowd) -> None:
    told = sum(part.labels.values())
    counts = [part.faces, part.tracks, part.new, *part.labels.values(), *part.abstained.values()]
    _demand(all(0 <= count < NUMBERS for count in counts), "parts", counts)
    _demand(part.labels.keys() <= set(LABELS), "parts.labels", sorted(part.labels))
    _demand(all(0 <= total <= MOST * told for total in part.scores.values()), "parts.scores", part.scores)
    _demand(all(map(NAME.fullmatch, part.zones)), "parts.zones", part.zones)


def _check_window(window: Window) -> None:
    check_name("site", window.site)
    check_name("id", window.id)
    _demand(window.end - window.start >= SHORTEST, "end", window.end)
    frames = window.frames
    counts = [frames.expected, frames.observed, frames.dead_lettered, *frames.dropped.values(), *frames.blind.values()]
    _demand(all(0 <= count < NUMBERS for count in counts), "frames", counts)
    _check_numbers(revision=window.revision, n_face_frames=window.n_face_frames, n_tracks=window.n_tracks)
    _check_numbers(n_told=window.n_told, n_abstained=window.n_abstained, late_included=window.late_included)
    for field, shares in (("scores_mean", window.scores_mean or {}), ("label_share", window.label_share or {})):
        _demand(shares.keys() <= set(LABELS), field, sorted(shares))
        for share in shares.values():
            _check_share(field, share)
    for seen in (window.coverage, window.blind, *window.cameras.values()):
        _check_share("coverage", seen)


def _check_share(field: str, share: float | None) -> None:
    _demand(share is None or 0 <= share <= MOST, field, share)


def _check_scores(field: str, scores: Mapping[str, float]) -> None:
    for label in LABELS:
        _demand(0 <= scores.get(label, math.nan) <= MOST, f"{field}.{label}", scores.get(label))


def _demand(believable: bool, field: str, value: object) -> None:
    if not believable:
        raise BadRecord("value", f"{field} cannot be {str(value)[:80]}")
