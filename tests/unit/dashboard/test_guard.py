"""Who may see the page, by which name it is asked, and what other sites' pages can make a browser do to it."""

from __future__ import annotations

import socket

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from pipeline.access import Access
from pipeline.errors import UsageError
from pipeline.settings import load
from tests.unit.dashboard.served import OPERATOR, TOKENS, VIEWER, Page, live, told


@pytest.fixture
def locked() -> Page:
    return Page(api={"tokens": TOKENS})


@pytest.mark.parametrize("path", ["/", "/site", "/system", "/camera/room-1"])
def test_without_a_token_a_page_leads_to_the_login(locked: Page, path: str) -> None:
    with locked.client() as client:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")
        assert client.get(path, headers={"Authorization": f"Bearer {VIEWER}"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/data/start"),
        ("GET", "/data/history?scope=camera&id=a"),
        ("GET", "/data/heat"),
        ("GET", "/data/flow"),
        ("GET", "/previews/a"),
        ("GET", "/api/v1/cameras"),
        ("POST", "/api/v1/cameras"),
        ("DELETE", "/api/v1/cameras/a"),
        ("POST", "/logout"),
    ],
)
def test_without_a_token_nothing_is_told(locked: Page, method: str, path: str) -> None:
    with locked.client() as client:
        for headers in (
            {},
            {"Cookie": "emostream=wrong"},
            {"Authorization": "Bearer wrong"},
            {"Cookie": "a b=c; emostream"},
        ):
            answer = client.request(method, path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"


def test_without_a_token_nothing_is_heard_live(locked: Page) -> None:
    with locked.client() as client:
        with pytest.raises(InvalidStatus, match="403"), live(client):
            pass
        with live(client, Cookie=f"emostream={VIEWER}") as connection:
            assert told(connection)["whole"]


def test_logging_in_and_out(locked: Page) -> None:
    with locked.client() as client:
        wrong = client.post("/login", data={"token": "wrong", "next": "/site"})
        assert (wrong.status_code, "not known" in wrong.text) == (401, True)
        right = client.post("/login", data={"token": VIEWER, "next": "/site"})
        assert (right.status_code, right.headers["location"]) == (303, "/site")
        cookie = right.headers["set-cookie"]
        assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/"))
        assert client.get("/data/start").json()["you"] == {"name": "vera", "role": "viewer", "token": True}
        assert client.get("/login?next=/system").headers["location"] == "/system"
        client.post("/logout")
        assert client.get("/data/start").status_code == 401


@pytest.mark.parametrize(("trusted", "marked"), [("*", True), ("127.0.0.0/8", True), ("192.0.2.1", False)])
def test_the_cookie_is_for_tls_alone_where_a_known_proxy_says_so(
    monkeypatch: pytest.MonkeyPatch, trusted: str, marked: bool
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    with Page(api={"tokens": TOKENS}).client() as client:
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        answer = client.post("/login", data={"token": VIEWER, "next": "/"}, headers=headers)
        assert answer.status_code == 303
        assert ("Secure" in answer.headers["set-cookie"]) is marked


def test_tokens_are_not_to_be_guessed() -> None:
    with Page(api={"tokens": TOKENS, "requests_per_second": 0.001, "burst": 2}).client() as client:
        tried = [client.post("/login", data={"token": "wrong"}) for _ in range(3)]
        assert [answer.status_code for answer in tried] == [401, 401, 429]
        assert int(tried[-1].headers["retry-after"]) > 0
        assert client.get("/data/start", headers={"Authorization": "Bearer wrong"}).status_code == 429
        assert client.get("/data/start", headers={"Authorization": f"Bearer {VIEWER}"}).status_code == 200
        assert client.get("/static/main.js").status_code == 200


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_a_login_leads_nowhere_else(locked: Page, path: str) -> None:
    with locked.client() as client:
        assert client.post("/login", data={"token": OPERATOR, "next": path}).headers["location"] == "/"
        shown = client.get("/login", params={"next": f'{path}"><b>'}, headers={"Cookie": ""})
        assert "<b>" not in shown.text


def test_a_login_that_is_too_large_is_refused(locked: Page) -> None:
    with locked.client() as client:
        assert client.post("/login", data={"token": "x" * 5000}).status_code == 413


def test_a_name_that_was_made_to_point_here_is_not_answered() -> None:
    with Page().client() as client:
        assert client.get("/", headers={"Host": "evil.example:8401"}).status_code == 421
        assert client.get("/", headers={"Host": "localhost:8401"}).status_code == 200
        here = socket.create_connection(("127.0.0.1", client.base_url.port or 0))
        with here, pytest.raises(InvalidStatus, match="403"):
            connect("ws://evil.example/live", sock=here, proxy=None)
    with Page(dashboard={"names": ["wall.house.example"]}).client() as client:
        assert client.get("/", headers={"Host": "wall.house.example"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_pages_of_others_can_change_nothing_and_hear_nothing(headers: dict[str, str]) -> None:
    with Page().client() as client:
        answer = client.post("/api/v1/cameras", json={"uri": "synthetic:"}, headers=headers)
        assert (answer.status_code, answer.json()["detail"]) == (403, "asked from another site's page")
        with pytest.raises(InvalidStatus, match="403"), live(client, **headers):
            pass


def test_a_browser_is_told_to_run_nothing_but_what_is_ours() -> None:
    with Page().client() as client:
        for path in ("/", "/login", "/static/main.js", "/data/start", "/nowhere"):
            policy = client.get(path).headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            assert "require-trusted-types-for 'script'" in policy
            assert client.get(path).headers["x-content-type-options"] == "nosniff"


def test_a_page_that_others_reach_needs_tokens() -> None:
    with pytest.raises(UsageError, match=r"dashboard\.host 0\.0\.0\.0 is reached from other machines"):
        Access.of_page(load(dashboard={"host": "0.0.0.0"}))
    assert not Access.of_page(load(dashboard={"host": "0.0.0.0"}, api={"tokens": TOKENS})).open
