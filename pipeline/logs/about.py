"""What a log line is about, beside its text: fields of the lines that are written as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from logging import LogRecord
from types import MappingProxyType

from pipeline.messages import FrameHeader, FrameId, TraceContext

FIELDS = ("site", "camera", "session", "seq", "trace_id")
Fields = dict[str, str | int]
_ABOUT: ContextVar[Mapping[str, str | int]] = ContextVar("about", default=MappingProxyType({}))


@contextmanager
def about(**fields: str | int) -> Iterator[None]:
    """Lines of this block and thread are about these, out of `FIELDS`."""
    token = _ABOUT.set({**_ABOUT.get(), **fields})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def of(frame: FrameHeader | FrameId) -> Fields:
    """A frame as `extra` of a line."""
    if isinstance(frame, FrameId):
        return {"site": frame.site, "camera": frame.camera, "session": frame.session, "seq": frame.seq}
    context = TraceContext.parse(frame.traceparent)
    return of(frame.frame_id) | ({} if context is None else {"trace_id": context.trace_id})


def fields_of(record: LogRecord) -> Fields:
    """What is known: from the line itself, else from the block it was written in."""
    known = _ABOUT.get()
    found = {name: getattr(record, name, known.get(name)) for name in FIELDS}
    return {name: value for name, value in found.items() if value is not None}
