"""What the page asks of the API is sent on with the token of whoever asks, and nothing else is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.unit.dashboard.served import OPERATOR, TOKENS, Page


class Api(ThreadingHTTPServer):
    """Answers with what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        asked = {"method": self.command, "path": self.path, "body": body, "headers": dict(self.headers)}
        self.server.asked.append(asked)
        self.send_response(422)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Set-Cookie", "emostream=stolen")
        self.end_headers()
        self.wfile.write(b'{"title":"Unprocessable"}')

    do_GET = do_DELETE = do_PATCH = do_POST  # noqa: N815  # as http.server calls them

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_request_is_sent_on_with_the_token_and_its_answer_sent_back(api: Api) -> None:
    page = Page(f"http://127.0.0.1:{api.server_port}", api={"tokens": TOKENS})
    with page.client(Cookie=f"emostream={OPERATOR}; other=secret") as client:
        answer = client.request("PATCH", "/api/v1/cameras/a%20b?x=1", json={"fps": 3})
    assert (answer.status_code, answer.json()) == (422, {"title": "Unprocessable"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert "set-cookie" not in answer.headers
    [asked] = api.asked
    assert (asked["method"], asked["path"], asked["body"]) == ("PATCH", "/v1/cameras/a%20b?x=1", b'{"fps":3}')
    sent = {name.lower(): value for name, value in asked["headers"].items()}
    assert sent["authorization"] == f"Bearer {OPERATOR}"
    assert "cookie" not in sent


@pytest.mark.parametrize("path", ["/api/../login", "/api/v1/%2e%2e/secret", "/api/v1/..\\x", "/api%2F@evil.example/x"])
def test_no_path_leads_out_of_the_api(api: Api, path: str) -> None:
    with Page(f"http://127.0.0.1:{api.server_port}/base").client() as client:
        assert client.get(path).status_code < 500
    assert api.asked == []


def test_an_address_in_the_path_is_no_address(api: Api) -> None:
    with Page(f"http://127.0.0.1:{api.server_port}/base").client() as client:
        client.get("/api//evil.example/x")
        client.get("/api/@evil.example/x")
    assert [asked["path"] for asked in api.asked] == ["/base//evil.example/x", "/base/@evil.example/x"]


def test_an_api_that_is_away_is_told_in_words() -> None:
    with Page("http://127.0.0.1:9").client() as client:
        answer = client.get("/api/v1/cameras")
    assert answer.status_code == 502
    assert "the control API at http://127.0.0.1:9 does not answer" in answer.json()["detail"]


def test_what_is_too_large_is_not_sent_on(api: Api) -> None:
    with Page(f"http://127.0.0.1:{api.server_port}").client() as client:
        assert client.post("/api/v1/cameras", content=b"x" * (2 * 1024 * 1024)).status_code == 413
    assert api.asked == []
