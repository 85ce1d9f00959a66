"""W3C trace context: which trace a frame belongs to, as the header `traceparent` carries it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

TRACEPARENT = "traceparent"
TRACED_PANE = "traced_pane"  # beside it on panes: start of the one that holds the frame
_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_MOST = 512  # characters; a later version of the format may be longer than 55


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span's place. `trace_id`: 32 hexadecimal digits; `span_id`: 16. `sampled`: whether its spans are kept."""

    trace_id: str
    span_id: str
    sampled: bool

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.sampled:02x}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for what is no trace context: as W3C says it is passed over, and a frame is none the worse for it."""
        found = _FORM.fullmatch(text) if len(text) <= _MOST else None
        if found is None or (text.startswith("00") and found[4]):
            return None
        return cls(found[1], found[2], bool(int(found[3], 16) & 1))


def carried(headers: Mapping[str, bytes | None]) -> TraceContext | None:
    """What a record's headers say of it."""
    return TraceContext.parse((headers.get(TRACEPARENT) or b"").decode("ascii", "replace"))


def trace_headers(context: TraceContext | str | None) -> list[tuple[str, bytes]]:
    return [(TRACEPARENT, str(context).encode())] if context else []


def begin_trace(sample: float, random_bytes: Callable[[int], bytes]) -> TraceContext:
    """A new trace. `sample`: the share of traces that are kept, 0..1, drawn by the trace id itself."""
    trace = random_bytes(16)
    sampled = int.from_bytes(trace[-7:]) < round(sample * 2**56)
    return TraceContext(trace.hex(), random_bytes(8).hex(), sampled)
