"""What is read back: windows by page, alerts, roles, the model, Prometheus's targets; and a Kafka that is away."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.classify.model_folder import ModelFolder
from pipeline.messages import FrameCounts, RoleState, RoleStatus, Scope, Window
from tests.records import alert
from tests.unit.api.conftest import NOW, Serve, Served


def window(minute: int, name: str = "hall", spec: str = "60s", revision: int = 0) -> Window:
    start = NOW - timedelta(hours=2) + timedelta(minutes=minute)
    return Window(
        scope=Scope.CAMERA, site="site", id=name, spec=spec, start=start, end=start + timedelta(minutes=1),
        revision=revision, final=False, as_of=start, frames=FrameCounts(), coverage=1.0, cameras={name: 1.0},
        n_face_frames=0, n_tracks=0, n_told=0, n_abstained=0,
    )  # fmt: skip


def role(name: str = "aggregate", instance: str = "a-1", **values: object) -> RoleStatus:
    return RoleStatus.model_validate(
        {
            "role": name, "instance": instance, "site": "site", "host": "a", "version": "1", "started_at": NOW,
            "at": NOW, "metrics": "10.0.0.7:9000", **values,
        }
    )  # fmt: skip


def test_windows_page_after_page(site: Served) -> None:
    for minute in range(10):
        for name in ("hall", "yard"):
            site.room.view.apply(window(minute, name), NOW)
    site.room.view.apply(window(3, revision=1), NOW)
    since = (NOW - timedelta(hours=2)).isoformat()
    found: list[tuple[str, str, int]] = []
    after: str | None = None
    while True:
        query = {"since": since, "limit": "7"} | ({"after": after} if after else {})
        page = site("GET", "/v1/windows", params=query).json()
        found += [(each["start"], each["id"], each["revision"]) for each in page["windows"]]
        after = page["next"]
        if after is None:
            break
        assert len(page["windows"]) == 7
    assert found == sorted(found)
    assert len(found) == len(set(found)) == 20
    assert [revision for _, _, revision in found].count(1) == 1


def test_windows_by_what_they_speak_of(site: Served) -> None:
    for each in (window(100), window(100, "yard"), window(100, spec="300s/60s"), window(10)):
        site.room.view.apply(each, NOW)

    def told(**query: str) -> list[tuple[str, str]]:
        windows = site("GET", "/v1/windows", params=query).json()["windows"]
        return [(each["id"], each["spec"]) for each in windows]

    assert told() == [("hall", "300s/60s"), ("hall", "60s"), ("yard", "60s")]  # of the last hour
    assert told(id="yard") == [("yard", "60s")]
    assert told(spec="60s", scope="camera") == [("hall", "60s"), ("yard", "60s")]
    assert told(scope="site") == []
    assert len(told(since=(NOW - timedelta(hours=3)).isoformat())) == 4


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"since": "soon"}, "/query/since"),
        ({"since": "0.47"}, "/query/since"),
        ({"since": "1767225600"}, "/query/since"),
        ({"since": "2026-01-01T00:00:00"}, "/query/since"),
        ({"limit": "0"}, "/query/limit"),
        ({"limit": "501"}, "/query/limit"),
        ({"scope": "room"}, "/query/scope"),
        ({"id": "a/b"}, "/query/id"),
        ({"sinse": "2026-01-01T00:00:00Z"}, "/query/sinse"),
    ],
)
def test_wrong_questions_are_named(site: Served, query: dict[str, str], pointer: str) -> None:
    refused = site("GET", "/v1/windows", params=query)
    assert (refused.status_code, [fault["pointer"] for fault in refused.json()["errors"]]) == (422, [pointer])


@pytest.mark.parametrize("after", ["x", "////", "", "AAAA", "MjAyNi0wMS0wMVQwMDowMDowMApjYW1lcmEKYQo2MHM"])
def test_a_cursor_of_somebody_else(site: Served, after: str) -> None:
    refused = site("GET", "/v1/windows", params={"after": after})
    assert (refused.status_code, refused.json()["detail"][:6]) == (422, "after:")


def test_a_time_at_the_edge_of_the_calendar(site: Served) -> None:
    site.room.view.apply(window(100), NOW)
    for since, found in (("0001-01-01T00:00:00+14:00", 1), ("9999-12-31T23:59:59-14:00", 0)):
        answer = site("GET", "/v1/windows", params={"since": since})
        assert (answer.status_code, len(answer.json()["windows"])) == (200, found)


def test_alerts_that_stand_and_those_that_are_over(site: Served) -> None:
    site.room.view.apply(alert(alert_id="a"), NOW)
    site.room.view.apply(alert(alert_id="b", state="cleared", cleared_by="data"), NOW)
    for which, ids in (("standing", ["a"]), ("cleared", ["b"]), ("all", ["a", "b"])):
        answer = site("GET", "/v1/alerts", params={"which": which}).json()
        assert [each["alert_id"] for each in answer["alerts"]] == ids


def test_what_people_ask_of_alerts(site: Served) -> None:
    site.room.view.apply(alert(alert_id="a"), NOW)
    site.room.view.apply(alert(alert_id="b", state="cleared", cleared_by="data"), NOW)
    assert site("POST", "/v1/alerts/a/acknowledge", {"reason": "on my way"}).status_code == 202
    assert site("POST", "/v1/alerts/b/acknowledge", {}).status_code == 409
    assert site("POST", "/v1/alerts/c/acknowledge", {}).status_code == 404
    until = (NOW + timedelta(hours=1)).isoformat()
    assert site("POST", "/v1/alerts/silence", {"rule": "sad", "until": until}).status_code == 202
    assert site("POST", "/v1/alerts/forget", {"id": "hall"}).status_code == 202
    over = {"id": "hall", "until": "0001-01-01T00:00:00+14:00"}
    assert site("POST", "/v1/alerts/silence", over).status_code == 202
    assert [each[0] for each in site.room.asked] == ["acknowledge", "silence", "forget", "silence"]
    assert site.room.asked[-1][2] == NOW
    assert [(each.action, each.target, each.outcome) for each in site.room.audit] == [
        ("alert.acknowledge", "alert/a", "done"),
        ("alert.acknowledge", "alert/b", "refused"),
        ("alert.acknowledge", "alert/c", "refused"),
        ("alerts.silence", "rule/sad", "done"),
        ("alerts.forget", "scope/hall", "done"),
        ("alerts.silence", "scope/hall", "done"),
    ]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("silence", {"until": (NOW + timedelta(hours=1)).isoformat()}, "nothing is named"),
        ("silence", {"rule": "glad", "until": NOW.isoformat()}, "rule: 'glad' is not known; one of no-data, sad"),
        ("silence", {"id": "a", "until": (NOW + timedelta(hours=25)).isoformat()}, "until: more than a day from now"),
        ("silence", {"id": "a", "until": "9999-12-31T23:59:59+00:00"}, "until: more than a day from now"),
        ("forget", {}, "nothing is named"),
    ],
)
def test_what_cannot_be_asked_of_alerts(site: Served, path: str, body: dict[str, str], said: str) -> None:
    refused = site("POST", f"/v1/alerts/{path}", body)
    assert (refused.status_code, said in refused.json()["detail"]) == (422, True)
    assert ([each.outcome for each in site.room.audit], site.room.asked) == (["refused"], [])


def test_roles_and_where_their_metrics_are(serve: Serve, tmp_path: Path) -> None:
    site = serve()
    (tmp_path / "torchserve.json").write_text(
        json.dumps([{"targets": ["127.0.0.1:1"], "labels": {"role": "torchserve"}}])
    )
    (tmp_path / "aggregate.json").write_text(json.dumps([{"targets": ["gone:1"], "labels": {"role": "aggregate"}}]))
    (tmp_path / "broken.json").write_text("{")
    desk = site.app.state.desk
    metrics = desk.parts.settings.metrics.model_copy(update={"targets_dir": tmp_path})
    desk.parts = replace(desk.parts, settings=desk.parts.settings.model_copy(update={"metrics": metrics}))
    for status in (
        role(),
        role(instance="b-1", metrics="10.0.0.8:9000"),
        role("analyze", "0", metrics="10.0.0.7:9001"),
        role("capture", "c", state=RoleState.STOPPED),
        role("webhooks", "d", metrics=""),
    ):
        site.room.view.apply(status, NOW)
    site.room.view.apply(role("dashboard", "e"), NOW - timedelta(minutes=2))
    assert site("GET", "/v1/prometheus/targets").json() == [
        {"targets": ["10.0.0.7:9000", "10.0.0.8:9000"], "labels": {"role": "aggregate"}},
        {"targets": ["10.0.0.7:9001"], "labels": {"role": "analyze"}},
        {"targets": ["127.0.0.1:1"], "labels": {"role": "torchserve"}},
    ]
    roles = site("GET", "/v1/roles").json()["roles"]
    assert {each["status"]["role"]: each["silent"] for each in roles}["dashboard"] is True


def test_the_model_that_the_settings_name(site: Served) -> None:
    told = site("GET", "/v1/model").json()
    assert told["configured"] == ModelFolder.of(None).ref.model_dump()
    assert (told["labels"][0], told["seen"]) == ("angry", None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/cameras"),
        ("GET", "/v1/windows"),
        ("GET", "/v1/alerts"),
        ("GET", "/v1/roles"),
        ("GET", "/v1/prometheus/targets"),
        ("POST", "/v1/cameras"),
        ("DELETE", "/v1/cameras/hall"),
        ("POST", "/v1/alerts/forget"),
    ],
)
def test_while_kafka_is_away_nothing_is_claimed(site: Served, method: str, path: str) -> None:
    site.room.away = True
    site.room.feed = replace(site.room.feed, away_since=NOW, reason="Kafka at a:1 does not answer")
    body = {"uri": "synthetic:", "id": "x"} if path.endswith("cameras") else {"id": "x"}
    answer = site(method, path, body if method == "POST" else None)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"


def test_kafka_that_goes_away_while_something_is_changed(site: Served) -> None:
    site.room.away = True
    answer = site("POST", "/v1/cameras", {"uri": "synthetic:", "id": "x"})
    assert (answer.status_code, answer.json()["detail"]) == (
        503,
        "Kafka does not answer; nothing was changed; try again",
    )
    assert site.room.audit == []
