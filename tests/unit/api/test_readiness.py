"""`/readyz`: what was found, how long it holds, and checks that hang or fail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from pipeline.api import readiness
from pipeline.api.readiness import Check, NotReady
from tests.unit.api.conftest import Serve


def refuse(why: str) -> Callable[[], str]:
    def find() -> str:
        raise NotReady(why)

    return find


def test_each_check_says_what_it_found(serve: Serve) -> None:
    site = serve([Check("kafka", lambda: "answers"), Check("lag", lambda: "5 of 10")])
    ready = site("GET", "/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "ready": True,
        "checked_at": "2026-01-01T12:00:00Z",
        "checks": [
            {"name": "kafka", "ok": True, "finding": "answers"},
            {"name": "lag", "ok": True, "finding": "5 of 10"},
        ],
    }


def test_one_that_fails_is_enough(serve: Serve) -> None:
    site = serve([Check("kafka", refuse("does not answer")), Check("lag", lambda: "0")])
    answer = site("GET", "/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert [check["finding"] for check in answer.json()["checks"]] == ["does not answer", "0"]


def test_an_unexpected_error_tells_its_kind_alone(serve: Serve) -> None:
    def find() -> str:
        raise ValueError("secret-word")

    answer = serve([Check("model", find)])("GET", "/readyz")
    assert (answer.status_code, answer.json()["checks"][0]["finding"]) == (503, "ValueError")


def test_what_was_found_holds_for_seconds(serve: Serve) -> None:
    asked: list[int] = []

    def find() -> str:
        asked.append(1)
        return f"{len(asked)}"

    site = serve([Check("lag", find)])
    found = []
    for seconds in (0, 1, 1, 1, 1):
        site.room.clock += seconds
        found.append(site("GET", "/readyz").json()["checks"][0]["finding"])
    assert found == ["1", "1", "1", "1", "2"]


def test_a_check_that_hangs_is_not_ready_and_begun_once(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0.05)
    go, begun = threading.Event(), []

    def find() -> str:
        begun.append(1)
        go.wait(30)
        return "at last"

    site = serve([Check("model", find), Check("lag", lambda: "0")])
    for _ in range(3):
        answer = site("GET", "/readyz").json()
        assert [check["ok"] for check in answer["checks"]] == [False, True]
        assert answer["checks"][0]["finding"] == "no answer within 0.05 s"
        site.room.clock += 10
    assert len(begun) == 1
    go.set()
    while not site("GET", "/readyz").json()["ready"]:
        site.room.clock += 10


def test_what_was_found_too_late_is_not_told_as_of_now(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0.05)
    go = threading.Event()
    found = iter(["an hour ago", "now"])

    def find() -> str:
        go.wait(30)
        return next(found)

    site = serve([Check("kafka", find)])
    assert site("GET", "/readyz").status_code == 503
    go.set()
    [late] = site.app.state.desk.checks._running.values()
    assert late.result(30).finding == "an hour ago"
    site.room.clock += 3600
    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 30)
    assert site("GET", "/readyz").json()["checks"][0]["finding"] == "now"


def test_while_one_waits_for_a_check_the_others_are_told_what_was_found_last(serve: Serve) -> None:
    hang, go = threading.Event(), threading.Event()

    def find() -> str:
        if hang.is_set():
            go.wait(30)
            return "anew"
        return "before"

    site = serve([Check("model", find)])
    assert site("GET", "/readyz").status_code == 200
    hang.set()
    site.room.clock += readiness.KEPT_SECONDS + 1

    async def findings() -> list[str]:
        first = asyncio.create_task(site.client.get("/readyz"))
        while not site.app.state.desk.checks._one.locked():
            await asyncio.sleep(0)
        others = [await site.client.get("/readyz") for _ in range(5)]
        go.set()
        return [answer.json()["checks"][0]["finding"] for answer in [*others, await first]]

    assert site.runner.run(findings()) == ["before"] * 5 + ["anew"]
    site.room.clock += readiness.STALE_SECONDS + 1
    assert site("GET", "/readyz").json()["checks"][0]["finding"] == "anew"


def test_alive_whatever_else(serve: Serve) -> None:
    site = serve([Check("kafka", refuse("gone"))])
    assert site("GET", "/healthz").json()["alive"] is True
