"""A collector of traces: takes what OTLP/HTTP brings, and tells what came."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Received:
    """A span. Times are nanoseconds of Unix time."""

    name: str
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    service: str
    fields: dict[str, str | int]
    links: list[tuple[str, str]]


@dataclass
class Collector:
    url: str = ""
    spans: list[Received] = field(default_factory=list)

    def take(self, request: ExportTraceServiceRequest) -> None:
        for of_resource in request.resource_spans:
            resource = {each.key: each.value.string_value for each in of_resource.resource.attributes}
            for span in (span for scope in of_resource.scope_spans for span in scope.spans):
                values = {each.key: each.value for each in span.attributes}
                fields = {k: v.string_value or v.int_value for k, v in values.items()}
                links = [(link.trace_id.hex(), link.span_id.hex()) for link in span.links]
                self.spans.append(
                    Received(
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        span.start_time_unix_nano,
                        span.end_time_unix_nano,
                        resource["service.name"],
                        fields,
                        links,
                    )
                )

    def trace(self, trace: str) -> list[Received]:
        return [span for span in list(self.spans) if span.trace == trace]


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            good = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
            if good:
                collector.take(ExportTraceServiceRequest.FromString(body))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200 if good else 404)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
