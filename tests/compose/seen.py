"""What the running services show: frames in, faces out, an API that is ready, a page, metrics; and what they hide."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from typing import Any

import httpx

from tests.compose.running import Running

SEEN_SECONDS = 120.0
CONNECT_SECONDS = 2.0
SCRAPED = {"capture", "analyze", "aggregate", "api", "dashboard", "torchserve"}


def look(running: Running) -> dict[str, Any]:
    """Raises AssertionError for what does not come."""
    return {
        "ready_after": running.ready_after,
        "ready": ready(running),
        "frames": frames(running),
        "page": page(running),
        "roles_scraped": scraped(running),
        "placed": placed(running),
        "published": published(running),
        "hidden": hidden(running),
        "restarted": new_token(running),
    }


def ready(running: Running) -> dict[str, Any]:
    """/readyz, without a token; and that nothing else is told without one."""
    url = f"http://{running.networks.reached_from_here('api')}:8400"
    with httpx.Client(base_url=url, timeout=60) as client:
        running.until(lambda: client.get("/readyz").status_code == 200, SEEN_SECONDS, client.get("/readyz").text)
        assert client.get("/v1/cameras").status_code == 401
        token = {"Authorization": f"Bearer {running.secret('viewer-token')}"}
        cameras = client.get("/v1/cameras", headers=token)
        assert cameras.status_code == 200, cameras.text
        return {"checks": client.get("/readyz").json(), "cameras": [each["id"] for each in cameras.json()["cameras"]]}


def observations(running: Running) -> list[dict[str, Any]]:
    """As an operator reads them: with the command line, in a container that has it."""
    done = running.containers["aggregate"].execute(
        "emostream", "events", "-c", "/etc/emostream/emostream.yaml", timeout=120
    )
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return [record for record in records if record.get("type") == "emostream.observation.v1"]


def frames(running: Running) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def enough() -> bool:
        found[:] = observations(running)
        return sum(bool(each["faces"]) for each in found) >= 20

    running.until(enough, SEEN_SECONDS, f"{len(found)} observations, too few of them with faces")
    return {
        "observed": len(found),
        "with_faces": sum(bool(each["faces"]) for each in found),
        "cameras": sorted({each["camera"] for each in found}),
        "model": found[-1]["model"]["name"],
        "detector": found[-1]["detector"]["name"],
    }


def page(running: Running) -> dict[str, int]:
    url = f"http://{running.networks.reached_from_here('dashboard')}:8401"
    with httpx.Client(base_url=url, timeout=10) as client:
        shut = client.get("/")
        token = {"Authorization": f"Bearer {running.secret('operator-token')}"}
        opened = client.get("/", headers=token)
        through = client.get("/api/v1/cameras", headers=token)
    return {"without_token": shut.status_code, "with_token": opened.status_code, "through_to_api": through.status_code}


def prometheus(running: Running) -> httpx.Client:
    return httpx.Client(base_url=f"http://{running.networks.reached_from_here('prometheus')}:9090", timeout=10)


def placed(running: Running) -> dict[str, list[str]]:
    """Where Ray has put what it was given: analyzers on the worker, the API on the head."""
    names = {address: name for name, own in running.networks.addresses.items() for address in own.values()}
    found = {}
    with prometheus(running) as client:
        for role in ("analyze", "api"):
            answer = client.get("/api/v1/query", params={"query": f'up{{role="{role}"}} == 1'}).json()["data"]["result"]
            found[role] = sorted({names[each["metric"]["instance"].rpartition(":")[0]] for each in answer})
    return found


def scraped(running: Running) -> dict[str, float]:
    """By role, how many of its processes Prometheus reaches."""
    with prometheus(running) as client:

        def asked(query: str) -> dict[str, float]:
            answer = client.get("/api/v1/query", params={"query": query}).json()["data"]["result"]
            return {each["metric"].get("role", ""): float(each["value"][1]) for each in answer}

        def all_up() -> dict[str, float] | None:
            up = asked('sum by (role) (up{job=~"emostream.*"})')
            return up if {role for role, number in up.items() if number} >= SCRAPED else None

        up: dict[str, float] = running.until(all_up, SEEN_SECONDS, f"{asked('up')}: not all are scraped")
        running.until(lambda: sum(asked("emostream_frames_observed_total").values()), SEEN_SECONDS, "nothing observed")
        rules = client.get("/api/v1/rules").json()["data"]["groups"]
        assert sum(len(group["rules"]) for group in rules) > 20, "the rules are not loaded"
        alertmanagers = client.get("/api/v1/alertmanagers").json()["data"]["activeAlertmanagers"]
        assert [each["url"] for each in alertmanagers] == ["http://alertmanager:9093/api/v2/alerts"]
    return up


def published(running: Running) -> list[str]:
    """Every port of the file: something listens there, on an address that the engine can forward to."""
    found = []
    for name, service in running.services.items():
        for port in service.raw.get("ports", ()):
            inner = int(port.rpartition(":")[2])
            assert port.startswith("127.0.0.1:"), port
            assert connects(running.networks.reached_from_here(name), inner), f"{name}: nobody listens on {inner}"
            found.append(f"{name}:{inner}")
    return found


def hidden(running: Running) -> list[str]:
    """Kafka, Ray and the model: from this machine there is no way, nor from services that have no business there."""
    tried = []
    for name, port in (("kafka", 9092), ("torchserve", 8080), ("torchserve", 7070), ("torchserve", 8082)):
        (address,) = running.networks.addresses[name].values()
        assert not connects(address, port), f"{name}:{port} is reached from outside"
        tried.append(f"{name}:{port} from outside")
    ray = running.networks.addresses["ray-head"]
    assert not connects(ray["bus"], 6379), "Ray's head is reached from outside"
    for asking, name, network, port in (
        ("dashboard", "torchserve", "model", 8080),
        ("capture", "torchserve", "model", 7070),
        ("camera", "kafka", "bus", 9092),
        ("ray-worker", "torchserve", "model", 8081),  # management: nobody but itself
        ("ray-worker", "torchserve", "model", 7071),
    ):
        address = running.networks.addresses[name][network]
        script = f"import socket; socket.create_connection(({address!r}, {port}), {CONNECT_SECONDS})"
        done = running.containers[asking].execute("python", "-c", script)
        assert done.returncode != 0, f"{asking} reaches {name}:{port}"
        tried.append(f"{name}:{port} from {asking}")
    return tried


def new_token(running: Running) -> dict[str, Any]:
    """The model server ends and comes back with another token: those who ask it begin anew with that, and go on."""
    server, asker = running.containers["torchserve"], running.containers["analyze"]
    before, starts = len(observations(running)), asker.starts
    server.stop()
    began = time.monotonic()
    running.until(lambda: asker.starts > starts, 180, f"analyze was not started again: {asker.told()}")
    running.until(lambda: not asker.healthy(), 180, f"analyze is not healthy again: {asker.told()}")
    running.until(lambda: len(observations(running)) > before + 20, SEEN_SECONDS, "no observations came afterwards")
    return {"model_server_starts": server.starts, "seconds": round(time.monotonic() - began, 1)}


def connects(address: str, port: int) -> bool:
    with suppress(OSError):
        socket.create_connection((address, port), CONNECT_SECONDS).close()
        return True
    return False
