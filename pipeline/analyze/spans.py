"""The spans of a frame whose trace is kept, while it is analyzed."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from pipeline.messages import FrameHeader, TraceContext
from pipeline.traces import Span, Spans, asking, fields_of

SHOWN = ("decode", "detect")  # of the stages that `looked` is told of


class FrameSpans:
    """One frame's. All of them are children of the span that its `traceparent` names: capture's."""

    def __init__(self, spans: Spans, header: FrameHeader, context: TraceContext) -> None:
        self._spans = spans
        self._context = context
        self._fields = fields_of(header.frame_id)
        self._ready = time.monotonic()
        self.classify: Span | None = None

    @classmethod
    def of(cls, spans: Spans | None, header: FrameHeader) -> FrameSpans | None:
        """None where nobody keeps them."""
        context = None if spans is None else TraceContext.parse(header.traceparent)
        return None if spans is None or context is None or not context.sampled else cls(spans, header, context)

    def looked(self, moments: Mapping[str, tuple[float, float]]) -> None:
        """`moments`: when each stage began and ended."""
        for stage in SHOWN:
            if stage in moments:
                began, ended = moments[stage]
                self._start(f"analyze.{stage}", began).end(ended)
        self._ready = time.monotonic()

    def asks(self) -> None:
        """Its faces wait for a request, and for the answer."""
        self.classify = self._start("analyze.classify")

    def scored(self) -> None:
        if self.classify is not None:
            self.classify.end()
            self._ready = time.monotonic()

    def emitted(self) -> str:
        """The frame's place in its trace from here on, for what is written of it."""
        span = self._start("analyze.emit", self._ready)
        span.end()
        return str(span.context)

    def _start(self, name: str, began: float | None = None) -> Span:
        return self._spans.start(name, self._context, self._fields, began)


@contextmanager
def requesting(spans: Spans, frames: Collection[FrameSpans], crops: int) -> Iterator[None]:
    """A request to the model for faces of these frames, among others: a span of the first one that serves them all."""
    waiting = [frame.classify.context for frame in frames if frame.classify is not None]
    if not waiting:
        yield
        return
    span = spans.start("model.request", waiting[0], {"crops": crops}, links=waiting[1:])
    try:
        with asking(span.context):
            yield
    except Exception as error:
        span.end(error=type(error).__name__)
        raise
    span.end()
