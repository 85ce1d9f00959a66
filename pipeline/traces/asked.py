"""For which span the model is asked: what carries a request to it finds the span here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pipeline.messages import TRACEPARENT, TraceContext

_SPAN: ContextVar[TraceContext | None] = ContextVar("span", default=None)


@contextmanager
def asking(context: TraceContext) -> Iterator[None]:
    """Requests of this block and thread are made for this span."""
    token = _SPAN.set(context)
    try:
        yield
    finally:
        _SPAN.reset(token)


def header() -> dict[str, str]:
    """What a request to the model says of it: nothing while no span is open."""
    context = _SPAN.get()
    return {} if context is None else {TRACEPARENT: str(context)}
