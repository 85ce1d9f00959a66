"""Who may do what: every route, every method, found where they are registered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.access import ANYBODY_HERE, Access, asked_here
from pipeline.api.guard import OPEN_PATHS, READING
from pipeline.errors import UsageError
from pipeline.settings import ApiSettings, hashed, load
from tests.unit.api.conftest import TOKENS, WITH_TOKENS, Serve, Served, bearer


def registered(node: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, path) of every route below, with something in the place of each parameter."""
    for route in node.routes:
        if hasattr(route, "endpoint"):
            path = f"{prefix}{route.path}".replace("{camera_id}", "hall").replace("{alert_id}", "a1")
            yield from ((method, path) for method in route.methods)
        else:
            yield from registered(getattr(route, "original_router", route), prefix)


def mutating(site: Served) -> list[tuple[str, str]]:
    return sorted({each for each in registered(site.app) if each[0] not in READING})


def test_every_operation_of_the_document_is_found(serve: Serve) -> None:
    site = serve()
    document = site("GET", "/v1/openapi.json").json()
    described = {
        (method.upper(), path.replace("{camera_id}", "hall").replace("{alert_id}", "a1"))
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert described <= set(registered(site.app))
    assert len(mutating(site)) >= 8


def test_every_change_is_refused_without_an_operators_token(serve: Serve) -> None:
    site = serve(**WITH_TOKENS)
    for method, path in mutating(site):
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer not-a-token-that-is-known"}, 401),
            ({"Authorization": f"Basic {TOKENS['ada']}"}, 401),
            ({"Authorization": "Bearer "}, 401),
            (bearer("vera"), 403),
        ):
            answer = site(method, path, {}, headers=headers)
            assert (method, path, answer.status_code) == (method, path, status)
            assert answer.headers["content-type"] == "application/problem+json"
        assert site(method, path, {}, headers=bearer("ada")).status_code not in (401, 403)
        site.room.clock += 10
    assert not site.room.asked
    assert {record.outcome for record in site.room.audit} == {"refused"}
    refused = [record for record in site.room.audit if record.who == "vera"]
    assert {(record.action, record.reason) for record in refused} == {("api.call", "a viewer may not")}
    assert [record.target for record in refused] == [f"{method} {path}" for method, path in mutating(site)]


@pytest.mark.parametrize("first", ["ada", "vera"])
def test_of_two_tokens_none_counts(serve: Serve, first: str) -> None:
    site = serve(**WITH_TOKENS)
    both = [("Authorization", f"Bearer {TOKENS[name]}") for name in (first, *(TOKENS.keys() - {first}))]
    assert site("POST", "/v1/cameras", {"uri": "synthetic:"}, headers=both).status_code == 401
    assert site("GET", "/v1/cameras", headers=both).status_code == 401


def test_everything_else_is_refused_without_a_token(serve: Serve) -> None:
    site = serve(**WITH_TOKENS)
    reading = {path for method, path in registered(site.app) if method == "GET"}
    assert reading > OPEN_PATHS
    for path in [*reading, "/v1/nothing", "/"]:
        answer = site("GET", path)
        assert (path, answer.status_code) == (path, 401 if path not in OPEN_PATHS else 200)
        if path not in OPEN_PATHS:
            assert answer.headers["www-authenticate"] == "Bearer"
    for path in reading - {"/v1/cameras/hall"}:
        assert site("GET", path, headers=bearer("vera")).status_code == 200
        site.room.clock += 1


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8400", "10.0.0.7:8400", "", "127.0.0.1.evil.example"])
def test_a_page_of_the_web_whose_name_points_here(site: Served, host: str) -> None:
    for path in ("/v1/cameras", "/healthz"):
        refused = site("GET", path, headers={"Host": host})
        assert (refused.status_code, refused.headers["content-type"]) == (421, "application/problem+json")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8400", "127.0.0.2", "[::1]:8400", "cam.lan"])
def test_the_names_of_this_machine(host: str) -> None:
    assert asked_here(host, ApiSettings(names=["Cam.lan"]))


def test_with_tokens_any_name_is_good(serve: Serve) -> None:
    assert serve(**WITH_TOKENS)("GET", "/healthz", headers={"Host": "cameras.example"}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "cameras.example", ""])
def test_it_is_never_open_to_others(host: str) -> None:
    with pytest.raises(UsageError, match=r"api.tokens: none, but api.host .* is reached from other machines") as raised:
        Access.of(ApiSettings(host=host))
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_this_machine_it_may_be_open(host: str) -> None:
    access = Access.of(ApiSettings(host=host))
    assert access.open
    assert access.who(None) is ANYBODY_HERE


def test_a_token_from_the_environment_or_by_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "a-long-enough-token")
    by_hash = "sha256:" + hashlib.sha256(b"another-long-token").hexdigest()
    tokens = [{"name": "a", "role": "operator", "token": "env:API_TOKEN"}, {"name": "b", "token": by_hash}]
    settings = load(api={"tokens": tokens})
    assert "a-long-enough-token" not in settings.model_dump_json()
    monkeypatch.delenv("API_TOKEN")
    access = Access.of(load(**settings.model_dump(mode="json", include={"api"})).api)
    first, second = access.who("Bearer a-long-enough-token"), access.who("bearer another-long-token ")
    assert first is not None
    assert second is not None
    assert (first.name, first.may("operator"), second.name, second.may("operator")) == ("a", True, "b", False)
    assert access.who(f"Bearer {by_hash}") is None
    assert access.who("Bearer " + "x" * 10_000) is None


@pytest.mark.parametrize(
    ("api", "said"),
    [
        ({"tokens": [{"name": "a", "token": "short"}]}, "api.tokens.0.token: shorter than 16 characters"),
        ({"tokens": [{"name": "a", "token": "sha256:abc"}]}, "api.tokens.0.token: no hash"),
        ({"tokens": [{"name": "a b", "token": "x" * 20}]}, "api.tokens.0.name: 'a b' is no name"),
        ({"tokens": [{"name": "a", "role": "admin", "token": "x" * 20}]}, "api.tokens.0.role: Input should be"),
        ({"tokens": [{"name": "a", "token": hashed(c)} for c in "xy"]}, "api: tokens: the name 'a' is used twice"),
    ],
)
def test_a_wrong_token_setting_is_named(api: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        load(api=api)
    assert said in str(raised.value)


def test_a_token_whose_variable_is_not_set_stops_the_api_alone() -> None:
    settings = load(api={"tokens": [{"name": "a", "token": "env:NO_SUCH_VARIABLE"}]})
    with pytest.raises(UsageError, match=r"api.tokens.0.token: the environment variable NO_SUCH_VARIABLE is not set"):
        Access.of(settings.api)
