"""Spans on their way to a collector, by OpenTelemetry. It is imported only where they are switched on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.errors import DependencyError
from pipeline.messages import FrameId, TraceContext
from pipeline.settings import TracesSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import SpanContext

QUEUE = 4096  # spans that wait for the collector; above it the oldest are given up
EXPORT_SECONDS = 5.0  # for the collector to take some
CLOSE_SECONDS = 2.0  # for the last ones, at the end of the process
Fields = Mapping[str, str | int]


class Span:
    """One that is open. `context`: of what comes of it."""

    def __init__(self, span: OtelSpan, clock: int) -> None:
        self._span = span
        self._clock = clock
        of = span.get_span_context()
        self.context = TraceContext(f"{of.trace_id:032x}", f"{of.span_id:016x}", of.trace_flags.sampled)

    def end(self, at: float | None = None, error: str = "") -> None:
        """`at`: steady seconds, now if not given. `error`: why what it tells of failed."""
        if error:
            from opentelemetry.trace import StatusCode

            self._span.set_status(StatusCode.ERROR, error)
        self._span.end(None if at is None else self._clock + round(at * 1e9))


class Spans:
    """The spans of one process. Several threads may start them."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("emostream", __version__)

    def start(
        self,
        name: str,
        parent: TraceContext | None,
        fields: Fields,
        began: float | None = None,
        links: Iterable[TraceContext] = (),
    ) -> Span:
        """`parent`: None begins a trace. `began`: steady seconds, now if not given. `links`: spans it serves, too."""
        from opentelemetry.context import Context
        from opentelemetry.trace import Link, NonRecordingSpan, set_span_in_context

        context = Context()
        if parent is not None:
            context = set_span_in_context(NonRecordingSpan(_place(parent)), context)
        clock = time.time_ns() - round(time.monotonic() * 1e9)
        span = self._tracer.start_span(
            name,
            context,
            attributes={f"emostream.{key}": value for key, value in fields.items()},
            links=[Link(_place(link)) for link in links],
            start_time=None if began is None else clock + round(began * 1e9),
        )
        return Span(span, clock)

    def close(self) -> None:
        """Sends what waits. A collector that is away holds nobody up."""
        last = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        last.start()
        last.join(CLOSE_SECONDS)


def fields_of(frame: FrameId) -> Fields:
    """What a span says of its frame: which one it is, nothing of what is in it."""
    return {"site": frame.site, "camera": frame.camera, "session": frame.session, "seq": frame.seq}


def check(settings: TracesSettings) -> None:
    """Raises DependencyError when spans are asked for, and the package for them is not there."""
    if settings.endpoint is None:
        return
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError as error:
        raise DependencyError(
            f"traces.endpoint is set, and {error.name} is not installed",
            "pip install 'emostream[traces]', or leave traces.endpoint out",
        ) from None


def start(settings: TracesSettings, role: str, instance: str = "") -> Spans | None:
    """Spans of this process to the collector of the settings; None where they name none.

    Raises DependencyError, see `check`. A collector that is away is told in the log, and asked again.
    """
    if settings.endpoint is None:
        return None
    check(settings)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    told = {"service.namespace": "emostream", "service.name": f"emostream-{role}", "service.version": __version__}
    if instance:
        told["service.instance.id"] = instance
    provider = TracerProvider(resource=Resource.create(told), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=settings.endpoint, timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=QUEUE, schedule_delay_millis=1000))
    return Spans(provider)


def close(spans: Spans | None) -> None:
    if spans is not None:
        spans.close()


def _place(context: TraceContext) -> SpanContext:
    from opentelemetry.trace import SpanContext, TraceFlags

    flags = TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote=True, trace_flags=flags)
