"""`emostream api` as it runs: Ray Serve, a real Kafka and a real model server."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from pipeline.cameras.registry import CameraRegistry
from pipeline.kafka.clients import apply_topics
from pipeline.kafka.reader import Reader, parse
from pipeline.local.ports import free_ports
from pipeline.local.process import Process
from pipeline.local.roles import role, write_settings
from pipeline.local.stack import LocalStack
from pipeline.messages import AuditRecord
from pipeline.settings import Settings, load
from pipeline.topics import AUDIT

PATIENCE = 120.0
OPERATOR, VIEWER = "operator-token-0123456789", "viewer-token-0123456789"
TOKENS = [
    {"name": "ada", "role": "operator", "token": OPERATOR},
    {"name": "vera", "role": "viewer", "token": VIEWER},
]


def until(condition: Callable[[], bool], what: str, api: Api | None = None) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, f"{what}: {api and api.last}"
        time.sleep(0.1)


@dataclass
class Api:
    settings: Settings
    process: Process
    client: httpx.Client
    last: str = ""  # what was answered to `answers`

    def __call__(self, method: str, path: str, body: Any = None, token: str = OPERATOR) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.request(method, path, headers=headers, **({} if body is None else {"json": body}))

    def answers(self, path: str, status: int) -> bool:
        try:
            answer = self.client.get(path)
        except httpx.TransportError as error:
            self.last = repr(error)
            return False
        self.last = f"{answer.status_code} {answer.text}"
        return answer.status_code == status


@pytest.fixture(scope="module")
def started(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Path]:
    """The settings of an API on the shared stack, and its folder."""
    folder = tmp_path_factory.mktemp("api")
    given = stack.settings
    settings = load(
        site="here",
        kafka={**given.kafka.model_dump(), "topic_prefix": "api", "group": "api", "partitions": 3},
        classify=given.classify.model_dump(),
        ray=given.ray.model_dump(),
        api={"port": free_ports(1)[0], "tokens": TOKENS, "max_body_kibibytes": 8},
        metrics={"targets_dir": folder / "metrics"},
    )
    apply_topics(settings.kafka)
    return settings, folder


@pytest.fixture(scope="module")
def api(started: tuple[Settings, Path]) -> Iterator[Api]:
    settings, folder = started
    client = httpx.Client(base_url=f"http://127.0.0.1:{settings.api.port}", timeout=30)
    with client, role("api", write_settings(settings, folder), folder) as process:

        def ready() -> bool:
            process.check()
            return serving.answers("/readyz", 200)

        serving = Api(settings, process, client)
        until(ready, "the API is not ready", serving)
        yield serving


def test_a_camera_is_steered_and_everything_is_told(api: Api) -> None:
    camera = {"uri": "synthetic:?people=1", "id": "room", "paused": True}
    for token, status in (("", 401), ("no-such-token-at-all", 401), (VIEWER, 403), (OPERATOR, 201), (OPERATOR, 409)):
        assert api("POST", "/v1/cameras", camera, token).status_code == status
    with CameraRegistry(api.settings.kafka, "here") as registry:
        assert registry.all()["room"].uri == camera["uri"]
        assert api("POST", "/v1/cameras/room/resume", {}).status_code == 204
        assert api("PATCH", "/v1/cameras/room", {"fps": 3, "reason": "slow"}).json()["fps"] == 3
        wanted = registry.all()["room"]
        assert (wanted.paused, wanted.fps, wanted.changed_by) == (False, 3, "ada")
        assert api("POST", "/v1/cameras/room/pause", {"reason": "cleaning"}).status_code == 204
        assert registry.all()["room"].paused
        assert [each["id"] for each in api("GET", "/v1/cameras", token=VIEWER).json()["cameras"]] == ["room"]
        assert api("DELETE", "/v1/cameras/room").status_code == 204
        assert registry.all() == {}
    with Reader(api.settings.kafka, [AUDIT]) as reader:
        reader.from_beginning()
        told = [record for record in map(parse, reader.to_end()) if isinstance(record, AuditRecord)]
    assert [(record.who, record.action, record.outcome, record.reason) for record in told] == [
        ("vera", "api.call", "refused", "a viewer may not"),
        ("ada", "camera.add", "done", ""),
        ("ada", "camera.add", "refused", "there is a camera room already; change it, or give another id"),
        ("ada", "camera.resume", "done", ""),
        ("ada", "camera.change", "done", "slow"),
        ("ada", "camera.pause", "done", "cleaning"),
        ("ada", "camera.remove", "done", ""),
    ]
    _check_the_edges(api)
    _check_the_status(api)
    picture = api("POST", "/v1/probe", {"uri": "synthetic:?size=640x480"})
    assert (picture.status_code, picture.headers["x-frame-size"]) == (200, "640x480")
    assert picture.content.startswith(b"\xff\xd8")


def _check_the_edges(api: Api) -> None:
    """What Ray Serve stands before comes through it, too."""
    large = api.client.post(
        "/v1/cameras",
        content=(b"x" * 65536 for _ in range(1000)),
        headers={"Authorization": f"Bearer {OPERATOR}", "Content-Type": "application/json"},
    )
    assert (large.status_code, large.json()["title"]) == (413, "Request Entity Too Large")
    nothing = api.client.get("/v1/nothing", headers={"X-Request-ID": "number-7", "Authorization": f"Bearer {VIEWER}"})
    assert (nothing.status_code, nothing.json()["request_id"]) == (404, "number-7")
    assert nothing.headers["x-request-id"] == "number-7"
    assert nothing.headers["content-type"] == "application/problem+json"
    assert nothing.headers["x-content-type-options"] == "nosniff"


def _check_the_status(api: Api) -> None:
    """Roles, the endpoint where Prometheus finds the API's own metrics, and the document."""
    found = api("GET", "/v1/prometheus/targets", token=VIEWER).json()
    [target] = next(group["targets"] for group in found if group["labels"] == {"role": "api"})
    assert 'emostream_build_info{role="api"' in httpx.get(f"http://{target}/metrics").text
    [status] = [each["status"] for each in api("GET", "/v1/roles", token=VIEWER).json()["roles"]]
    assert (status["role"], status["state"], status["metrics"]) == ("api", "running", target)
    assert "/v1/cameras/{camera_id}/pause" in api.client.get("/v1/openapi.json").json()["paths"]
    checks = {check["name"]: check["ok"] for check in api.client.get("/readyz").json()["checks"]}
    assert checks == {"kafka": True, "model": True, "lag": True}


def test_kafka_goes_and_comes_back(api: Api, stack: LocalStack) -> None:
    [broker] = [part for name, part in stack._parts.items() if name == "Kafka"]
    psutil.Process(broker.process.pid).kill()
    try:
        until(lambda: api.answers("/readyz", 503), "it is still ready without Kafka")
        checks = {check["name"]: check["ok"] for check in api.client.get("/readyz").json()["checks"]}
        assert checks == {"kafka": False, "model": True, "lag": False}
        until(lambda: api("GET", "/v1/cameras").status_code == 503, "it still tells of cameras")
        refused = api("POST", "/v1/cameras", {"uri": "synthetic:", "id": "late"})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert refused.headers["content-type"] == "application/problem+json"
        assert api.answers("/healthz", 200)
    finally:
        until(lambda: "Kafka" in stack.tend(time.monotonic()), "Kafka does not come back")
    until(lambda: api.answers("/readyz", 200), "it is not ready with Kafka back", api)
    assert api("POST", "/v1/cameras", {"uri": "synthetic:", "id": "late"}).status_code == 201


def test_one_that_was_killed_leaves_the_place_to_the_next(api: Api, started: tuple[Settings, Path]) -> None:
    """Ray Serve goes on serving what was killed; the next one ends that and begins anew."""
    api.process.kill()
    assert api.answers("/healthz", 200)
    settings, folder = started
    (folder / "next").mkdir()
    with role("api", write_settings(settings, folder), folder / "next") as process:

        def listens() -> bool:
            process.check()
            return "the API listens on" in (folder / "next" / "api.log").read_text()

        until(listens, "the next one does not start")
        assert api.answers("/healthz", 200)
    assert process.code == 0
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", settings.api.port))  # raises while somebody listens


def ended(started: tuple[Settings, Path], **api: Any) -> tuple[int | None, str]:
    """How an API ends that cannot start on these settings, and what it says."""
    settings, folder = started
    changed = settings.model_copy(update={"api": settings.api.model_copy(update=api)})
    with role("api", write_settings(changed, folder), folder) as process:
        until(lambda: not process.running(), "it runs")
    return process.code, (folder / "api.log").read_text()


def test_a_port_that_is_taken_is_named(started: tuple[Settings, Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, said = ended(started, port=port)
    assert code == 1
    assert f"the API cannot listen on 127.0.0.1:{port}: Address already in use" in said


def test_it_does_not_start_open_to_others(started: tuple[Settings, Path]) -> None:
    code, said = ended(started, host="0.0.0.0", tokens=[])
    assert code == 2
    assert "api.tokens: none, but api.host 0.0.0.0 is reached from other machines" in said
