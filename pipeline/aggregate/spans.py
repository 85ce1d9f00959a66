"""The span of a window, in the trace of a frame that it holds."""

from __future__ import annotations

from pipeline.aggregate.traced import TracedFrame
from pipeline.messages import TraceContext, Window
from pipeline.traces import Spans


def place(window: Window, frame: TracedFrame | None, spans: Spans | None) -> TraceContext | None:
    """The window's place in the trace of `frame`; None where it holds none whose trace is kept."""
    if frame is None:
        return None
    if spans is None:
        return frame.context
    fields: dict[str, str | int] = {
        "site": window.site,
        "scope": str(window.scope),
        "id": window.id,
        "spec": window.spec,
        "start": window.start.isoformat(),
        "revision": window.revision,
    }
    span = spans.start("aggregate.window", frame.context, fields)
    span.end()
    return span.context
