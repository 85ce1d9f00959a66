"""Spans of a share of the frames, from capture to window, where they are switched on."""

from pipeline.traces.asked import asking, header
from pipeline.traces.spans import Span, Spans, check, close, fields_of, start

__all__ = ["Span", "Spans", "asking", "check", "close", "fields_of", "header", "start"]
