"""Page and API beside a run: where they are is told when they answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pipeline.local.ports import LOOPBACK, free_ports
from pipeline.local.steering import answering


@contextmanager
def serving(statuses: list[int]) -> Iterator[str]:
    """An address that answers with these, one after the other."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0) if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_address_is_told_once_it_answers() -> None:
    later = [503, 200]
    with serving(later) as page, serving([200]) as api:
        assert list(answering({"page": page, "api": api}, threading.Event())) == ["api", "page"]
    assert later == []


def test_what_never_answers_is_waited_for_until_the_run_ends() -> None:
    stop = threading.Event()
    with serving([200]) as page:
        found = answering({"page": page, "nobody": f"http://{LOOPBACK}:{free_ports(1)[0]}"}, stop)
        assert next(found) == "page"
        stop.set()
        assert list(found) == []
