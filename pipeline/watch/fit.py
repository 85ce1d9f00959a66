"""Records that have the right form and yet cannot be shown: no numbers, sizes of nothing, words without end. Pure.

What is shown of one record is computed and told again and again; one that fails there would fail for everybody.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import BadRecord
from pipeline.messages import FrameRecord, Idle, Ledger, Observation, Record, Window

NAME_CHARS = 255
NAMES = frozenset({"site", "camera", "id", "role", "instance", "host", "rule", "alert_id"})
TEXT_CHARS = 4000
FRAMES = 10**9  # that are lost at once
SPEC = re.compile(r"[1-9]\d{0,6}s(/[1-9]\d{0,6}s)?")  # as "300s/60s"


def check(record: Record) -> None:
    """Raises BadRecord("value") naming the field. What `pipeline.kafka.believable` refuses does not come here."""
    match record:
        case Observation():
            _check_observation(record)
        case Ledger():
            _check_names("dropped", record.dropped)
            for ranges in record.dropped.values():
                _demand(all(0 <= each.last - each.first < FRAMES for each in ranges), "dropped", ranges)
        case FrameRecord() | Idle():
            pass
        case Window():
            _check_window(record)
        case _:
            _check_values(record)


def _check_observation(seen: Observation) -> None:
    _demand(seen.width > 0 and seen.height > 0, "size", f"{seen.width}x{seen.height}")
    for face in seen.faces:
        _check_numbers("faces.confidence", [face.confidence])
        _check_names("faces", [face.track_id or "-", *face.zone_ids])
    for made in (seen.model, seen.detector):
        _check_names("model", [made.name, made.version or "-", made.sha256 or "-"])


def _check_window(window: Window) -> None:
    _check_names("cameras", [*window.cameras, *window.blind_cameras, *window.blind_cameras.values()])
    _check_names("dropped", window.frames.dropped)
    _demand(SPEC.fullmatch(window.spec), "spec", window.spec)


def _check_names(field: str, names: Iterable[str]) -> None:
    for name in names:
        _demand(0 < len(name) <= NAME_CHARS, field, name)


def _check_numbers(field: str, numbers: Sequence[float | None]) -> None:
    for number in numbers:
        _demand(number is None or math.isfinite(number), field, number)


def _check_values(record: Record) -> None:
    """All of it, of a kind that comes seldom."""
    for field, value in _values("", record.model_dump()):
        if field in NAMES:
            _check_names(field, [value])
        elif isinstance(value, str):
            _demand(len(value) <= TEXT_CHARS, field, value)
        elif isinstance(value, float):
            _check_numbers(field, [value])


def _values(field: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield f"{field}.", name
            yield from _values(f"{field}.{name}" if field else name, each)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from _values(field, each)
    else:
        yield field, value


def _demand(fits: object, field: str, value: object) -> None:
    if not fits:
        raise BadRecord("value", f"{field} cannot be {str(value)[:80]}")
