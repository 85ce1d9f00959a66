"""What a record is, and the CloudEvents headers that say so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from pipeline.errors import BadRecord

Headers = list[tuple[str, bytes]]


class Kind(StrEnum):
    """`ce_type` of every record."""

    FRAME = "emostream.frame.v1"
    LEDGER = "emostream.ledger.v1"
    IDLE = "emostream.idle.v1"
    OBSERVATION = "emostream.observation.v1"
    STUB = "emostream.stub.v1"
    CROWD = "emostream.crowd.v1"
    CAMERA = "emostream.camera.v1"
    CAMERA_STATUS = "emostream.camera-status.v1"
    DEAD_LETTER = "emostream.dead-letter.v1"
    WINDOW = "emostream.window.v1"
    ALERT = "emostream.alert.v1"
    CAMERA_SIGHT = "emostream.camera-sight.v1"
    PREVIEW = "emostream.preview.v1"
    AUDIT = "emostream.audit.v1"
    ROLE = "emostream.role.v1"
    ROLLOUT = "emostream.rollout.v1"
    ROLLOUT_VERDICT = "emostream.rollout-verdict.v1"


PICTURES = frozenset({Kind.FRAME, Kind.PREVIEW})
"""Their value is a JPEG; all others' is JSON."""


def record_kind(headers: Iterable[tuple[str, bytes]]) -> Kind:
    """The record's `ce_type`. Raises BadRecord(reason="type") when there is none that we know."""
    value = dict(headers).get("ce_type") or b""
    try:
        return Kind(value.decode())
    except ValueError:
        raise BadRecord("type", f"unknown ce_type {value[:80]!r}") from None


def cloud_event(
    kind: Kind, source: str, event_id: str, at: datetime, content_type: str = "application/json"
) -> Headers:
    """CloudEvents 1.0 attributes as Kafka headers (binary content mode)."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_type", kind.value.encode()),
        ("ce_source", f"/emostream/{source}".encode()),
        ("ce_id", event_id.encode()),
        ("ce_time", iso(at).encode()),
        ("content-type", content_type.encode()),
    ]


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
