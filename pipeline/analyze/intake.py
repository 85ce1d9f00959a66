"""Records of `frames` as far as their headers and ledger records go: refused here, or fit to be told of. Pure.

What is told of a record repeats its key, its names and its headers, on topics that take records of 1 MiB. So those are
bounded here; else one record that cannot be told of would stop its partition.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipeline.errors import BadRecord
from pipeline.kafka.believable import check, check_name, check_time, taken
from pipeline.messages import FrameHeader, FrameId, Kind, Ledger, frame_identity, record_kind

HEADER_BYTES = 2**16  # of key and headers together
LEDGER_BYTES = 2**19


def read(record: Any) -> FrameHeader | Ledger:
    """The frame's header, or the ledger record. Raises BadRecord."""
    size = len(record.key or b"") + sum(len(key) + len(value or b"") for key, value in record.headers)
    if size > HEADER_BYTES:
        raise BadRecord("headers", f"key and headers are of {size} bytes, {HEADER_BYTES} are allowed")
    kind = record_kind(record.headers)
    if kind is Kind.LEDGER:
        return _ledger(record)
    if kind is not Kind.FRAME:
        raise BadRecord("type", f"{kind} has no place on {record.topic}")
    header = FrameHeader.decode(record.headers)
    _check_names(header.frame_id)
    check_time("captured_at", header.captured_at, taken(record))
    _check_key(record, header.frame_id.key)
    return header


def identity(record: Any) -> FrameId | None:
    """Of which frame a record that cannot be used is; None for a foreign one."""
    frame = frame_identity(dict(record.headers))
    try:
        if frame is not None:
            _check_names(frame)
    except BadRecord:
        return None
    return frame


def captured_at(record: Any) -> datetime:
    """When a frame that cannot be used was captured; when Kafka took it, if it does not say, or cannot be believed."""
    try:
        at = FrameHeader.decode(record.headers).captured_at
        check_time("captured_at", at, taken(record))
    except BadRecord:
        return taken(record)
    return at


def _ledger(record: Any) -> Ledger:
    if len(record.value or b"") > LEDGER_BYTES:
        raise BadRecord("too_large", f"a ledger record of {len(record.value)} bytes, {LEDGER_BYTES} are allowed")
    ledger = Ledger.decode(record.value)
    check(ledger, taken(record))
    _check_key(record, ledger.key)
    return ledger


def _check_names(frame: FrameId) -> None:
    check_name("site", frame.site)
    check_name("camera", frame.camera)


def _check_key(record: Any, key: str) -> None:
    """A camera's records keep their order only under its own key."""
    if record.key != key.encode():
        raise BadRecord("key", f"the record's key {record.key!r} is not its camera {key!r}")
