"""What stands before every route: rates, sizes, kinds of bodies, and what every answer carries."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from pipeline.api import guard
from pipeline.limits import Limits
from tests.unit.api.conftest import WITH_TOKENS, Serve, Served, bearer

CAMERA = {"uri": "synthetic:", "id": "a"}


def test_more_than_the_rate_is_told_to_wait(serve: Serve) -> None:
    site = serve(requests_per_second=2, burst=3)
    assert [site("GET", "/v1/cameras").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = site("GET", "/v1/cameras")
    assert (refused.headers["retry-after"], refused.json()["title"]) == ("1", "Too Many Requests")
    site.room.clock += 0.5
    assert site("GET", "/v1/cameras").status_code == 200


def test_tokens_do_not_share_a_rate_and_strangers_have_their_own(serve: Serve) -> None:
    site = serve(requests_per_second=1, burst=1, **WITH_TOKENS)
    for headers, status in ((bearer("ada"), 200), (bearer("ada"), 429), (bearer("vera"), 200), ({}, 401), ({}, 429)):
        assert site("GET", "/v1/cameras", headers=headers).status_code == status
    guess = {"Authorization": "Bearer guessed-guessed-guessed"}
    assert site("GET", "/v1/cameras", headers=guess).status_code == 429


def test_a_network_of_ipv6_is_one_stranger(serve: Serve) -> None:
    site = serve(requests_per_second=1, burst=1, **WITH_TOKENS)

    def asked(address: str) -> int:
        transport = httpx.ASGITransport(site.guarded, client=(address, 1))
        client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
        return site.runner.run(client.get("/v1/cameras")).status_code

    addresses = ["2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1", "::ffff:10.0.0.7", "::ffff:10.0.0.8"]
    assert [asked(address) for address in addresses] == [401, 429, 401, 401, 401]


def test_who_is_refused_all_the_time_does_not_fill_the_audit_log(serve: Serve) -> None:
    site = serve(requests_per_second=1e6, burst=10**6, **WITH_TOKENS)
    for _ in range(200):
        assert site("DELETE", "/v1/cameras/hall", headers=bearer("vera")).status_code == 403
    assert len(site.room.audit) == 60
    assert site("POST", "/v1/cameras", CAMERA, headers=bearer("ada")).status_code == 201
    assert site("POST", "/v1/cameras", CAMERA, headers=bearer("ada")).status_code == 409
    assert [record.outcome for record in site.room.audit[60:]] == ["done", "refused"]
    site.room.clock += 1
    site("DELETE", "/v1/cameras/hall", headers=bearer("vera"))
    assert len(site.room.audit) == 63


def test_whoever_may_only_read_keeps_nobody_from_changing(serve: Serve) -> None:
    site = serve(requests_per_second=1e6, burst=10**6, **WITH_TOKENS)
    go = threading.Event()

    async def at_once() -> None:
        desk = site.app.state.desk
        held = [asyncio.create_task(pool.run(go.wait, 30)) for pool in (desk.reads, desk.refusals) for _ in range(60)]
        try:
            await asyncio.sleep(0)  # each takes or awaits its thread
            added = await site.client.post("/v1/cameras", json=CAMERA, headers=bearer("ada"))
            assert added.status_code == 201
            change = site.client.request("DELETE", "/v1/cameras/a", headers=bearer("ada"))
            assert (await change).status_code == 204
        finally:
            go.set()
            await asyncio.gather(*held)

    site.runner.run(at_once())


@pytest.mark.parametrize(("content", "kind", "status"), [(b"{", "application/json", 422), (b"a=b", "text/plain", 415)])
def test_a_change_that_no_route_could_read_is_in_the_audit_log(
    site: Served, content: bytes, kind: str, status: int
) -> None:
    assert site("POST", "/v1/probe", content=content, headers={"Content-Type": kind}).status_code == status
    [record] = site.room.audit
    assert (record.action, record.target, record.outcome) == ("api.call", "POST /v1/probe", "refused")


def test_buckets_are_bounded() -> None:
    limits = Limits(rate=1, burst=2, most=2)
    assert [limits.take("a", 0), limits.take("a", 0), limits.take("a", 0)] == [0, 0, 1]
    assert [limits.take(key, 0) for key in "bc"] == [0, 0]
    assert limits.take("a", 0) == 0  # forgotten for b and c
    assert limits.take("c", 0) == 0
    assert limits.take("c", 0.5) == pytest.approx(0.5)
    assert limits.take("c", 1e6) == 0


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", ""]
)
def test_what_a_form_can_send_is_refused(site: Served, kind: str) -> None:
    refused = site("POST", "/v1/cameras", content=json.dumps(CAMERA), headers={"Content-Type": kind})
    assert (refused.status_code, refused.headers["content-type"]) == (415, "application/problem+json")
    assert site("POST", "/v1/cameras/a/pause", content=b"", headers={"Content-Type": kind}).status_code == 415


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"", 422),
        (b"\x80\x81", 400),
        (b"[" * 50_000, 400),
        (b"1" * 5000, 400),
        (b'{"uri": "synthetic:", "reason": "\\ud800"}', 422),
        (b'{"uri": "synthetic:", "\\ud800": 1}', 422),
        (b'{"uri": "synthetic:", "fps": NaN}', 422),
        (b"[]", 422),
    ],
)
def test_bodies_that_are_no_json(site: Served, body: bytes, status: int) -> None:
    refused = site("POST", "/v1/cameras", content=body, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")


def test_a_body_that_is_too_large_by_its_own_word_or_by_count(serve: Serve) -> None:
    site = serve(max_body_kibibytes=1)
    large = b'{"uri": "' + b"x" * 2000 + b'"}'

    async def pieces() -> Any:
        for start in range(0, len(large), 100):
            yield large[start : start + 100]

    for content in (large, pieces()):
        refused = site("POST", "/v1/cameras", content=content, headers={"Content-Type": "application/json"})
        assert (refused.status_code, refused.headers["content-type"]) == (413, "application/problem+json")


def test_a_body_is_not_read_further_than_its_limit(serve: Serve) -> None:
    site = serve(max_body_kibibytes=1)
    given = 0

    async def endless() -> Any:
        nonlocal given
        while True:
            given += 512
            yield b"x" * 512

    assert (
        site("POST", "/v1/cameras", content=endless(), headers={"Content-Type": "application/json"}).status_code == 413
    )
    assert given <= 2048


def test_a_body_that_never_comes(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)

    async def silent() -> Any:
        yield b"{"
        await asyncio.Event().wait()

    refused = site("POST", "/v1/cameras", content=silent(), headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["title"]) == (408, "Request Timeout")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/nothing", 404), ("PUT", "/v1/cameras", 405)])
def test_what_there_is_not(site: Served, method: str, path: str, status: int) -> None:
    refused = site(method, path, {} if method == "PUT" else None)
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
    assert refused.json()["status"] == status
    assert refused.headers.get("allow") == ("GET, POST" if status == 405 else None)


def test_every_answer_has_the_same_headers(site: Served) -> None:
    for path in ("/healthz", "/v1/cameras", "/v1/nothing"):
        headers = site("GET", path).headers
        assert {name: headers[name] for name in guard.HEADERS} == guard.HEADERS


def failing(app: FastAPI) -> None:
    @app.get("/v1/broken")
    async def broken() -> None:
        raise RuntimeError("the password is secret-word")


def test_an_error_of_our_own_tells_nothing_but_its_number(site: Served, caplog: pytest.LogCaptureFixture) -> None:
    failing(site.app)
    answer = site("GET", "/v1/broken", headers={"X-Request-ID": "request-number-7"})
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["request_id"] == "request-number-7"
    assert "secret-word" not in answer.text
    assert "Traceback" not in answer.text
    assert "request-number-7" in caplog.text


def test_a_request_id_that_could_forge_a_log_line_is_replaced(site: Served) -> None:
    for given in ("a b c d e f g", "x" * 65, "short"):
        assert site("GET", "/v1/nothing", headers={"X-Request-ID": given}).json()["request_id"] != given


def test_every_request_is_measured_by_its_route(site: Served) -> None:
    for path in ("/v1/cameras/hall", "/v1/nothing/at-all", "/healthz"):
        site("GET", path)
    site("PUT", "/v1/cameras", {})
    measured = [
        ("/v1/cameras/{camera_id}", 404, 0.0),
        ("", 404, 0.0),
        ("/healthz", 200, 0.0),
        ("/v1/cameras", 405, 0.0),
    ]
    assert site.room.measured == measured
