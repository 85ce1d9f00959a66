"""The real Prometheus and Alertmanager, on what `deploy` has for them, at other addresses and in a hurry."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

from pipeline.local.ports import LOOPBACK, free_ports
from pipeline.local.process import Process
from tests.alerts_real import deployed

READY_SECONDS = 60.0
POLL_SECONDS = 0.25
NEVER = threading.Event()


@dataclass(frozen=True)
class Sample:
    labels: dict[str, str]
    value: float


class Prometheus:
    """Asked over HTTP. Raises AssertionError where it refuses an expression."""

    def __init__(self, port: int) -> None:
        self.url = f"http://{LOOPBACK}:{port}"
        self._client = httpx.Client(base_url=self.url, timeout=30)

    def ready(self) -> bool:
        return self._client.get("/-/ready").is_success

    def query(self, expr: str) -> list[Sample]:
        answer = self._client.post("/api/v1/query", data={"query": expr}).json()
        assert answer["status"] == "success", f"{expr}: {answer['error']}"
        result = answer["data"]["result"]
        return [Sample(each["metric"], float(each["value"][1])) for each in result]

    def firing(self) -> list[dict[str, str]]:
        """The labels of each alert that fires."""
        found = self._client.get("/api/v1/alerts").json()["data"]["alerts"]
        return [alert["labels"] for alert in found if alert["state"] == "firing"]

    def fires(self, name: str, **labels: str) -> bool:
        asked = {"alertname": name, **labels}
        return any(asked.items() <= alert.items() for alert in self.firing())

    def broken_rules(self) -> list[str]:
        """Rules that could not be evaluated, with what was wrong."""
        groups = self._client.get("/api/v1/rules").json()["data"]["groups"]
        return [f"{rule['name']}: {rule['lastError']}" for g in groups for rule in g["rules"] if rule.get("lastError")]

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True)
class Site:
    """Where a site's targets are told. `files`: of targets that the API does not know."""

    name: str
    targets_url: str
    token: str
    files: str


def until(condition: Callable[[], Any], patience: float, otherwise: str | Callable[[], str]) -> Any:
    """What `condition` gives as soon as it is true. Raises AssertionError."""
    give_up = time.monotonic() + patience
    while not (found := condition()):
        if time.monotonic() > give_up:
            raise AssertionError(f"{otherwise() if callable(otherwise) else otherwise} within {patience:g} s")
        NEVER.wait(POLL_SECONDS)
    return found


@contextmanager
def prometheus(folder: Path, site: Site, factor: float, alertmanager: int = 0) -> Iterator[Prometheus]:
    """On the deployed configuration, scraping each second; ranges and waits of rules are `factor` times as short."""
    binary = shutil.which("prometheus")
    assert binary is not None
    (port,) = free_ports(1)
    home = shutil.copytree(deployed.PROMETHEUS, folder / "prometheus")
    for rules in (home / "rules").glob("*.yml"):
        rules.write_text(deployed.scaled(rules.read_text(), factor))
    (home / "secrets").mkdir()
    (home / "secrets" / "emostream-token").write_text(site.token)
    (home / "prometheus.yml").write_text(yaml.safe_dump(_config(site, port, alertmanager)))
    command = [binary, f"--config.file={home / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    process = Process(
        "Prometheus", [*command, f"--web.listen-address={LOOPBACK}:{port}"], folder / "prometheus.log", grace_seconds=5
    )
    client = Prometheus(port)
    try:
        process.wait_ready(client.ready, READY_SECONDS, NEVER)
        yield client
    finally:
        client.close()
        process.stop()


def _config(site: Site, port: int, alertmanager: int) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((deployed.PROMETHEUS / "prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"{LOOPBACK}:{alertmanager}"]
    if not alertmanager:
        del config["alerting"]
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    jobs["emostream"]["http_sd_configs"][0] |= {"url": site.targets_url, "refresh_interval": "1s"}
    jobs["emostream-model"]["file_sd_configs"] = [{"files": [site.files], "refresh_interval": "1s"}]
    for job in (jobs["emostream"], jobs["emostream-model"]):
        next(rule for rule in job["relabel_configs"] if rule["target_label"] == "site")["replacement"] = site.name
    jobs["prometheus"]["static_configs"][0]["targets"] = [f"{LOOPBACK}:{port}"]
    return config


class Receiver(ThreadingHTTPServer):
    """Takes what is posted, with the path it came to; or refuses it with another `status`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.messages: list[dict[str, Any]] = []
        self.status = 204

    def got(self, path: str, name: str, status: str = "firing") -> bool:
        return any(
            message["path"] == path
            and any(a["labels"]["alertname"] == name and a["status"] == status for a in message["alerts"])
            for message in list(self.messages)
        )

    def names(self, path: str) -> set[str]:
        return {a["labels"]["alertname"] for m in list(self.messages) if m["path"] == path for a in m["alerts"]}


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.messages.append({"path": self.path, **told})
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def alertmanager(folder: Path, receiver_port: int) -> Iterator[int]:
    """On the deployed routes, told to our receiver, without the waits between messages; gives its port."""
    binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    assert binary is not None
    (port,) = free_ports(1)
    config = yaml.safe_load(deployed.ALERTMANAGER.read_text())
    for route in (config["route"], *config["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "1s"}
    for each in config["receivers"]:
        for hook in each["webhook_configs"]:
            hook["url"] = f"http://{LOOPBACK}:{receiver_port}/{hook['url'].rpartition('/')[2]}"
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config))
    command = [
        binary, f"--config.file={file}", f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={LOOPBACK}:{port}", "--cluster.listen-address=",
    ]  # fmt: skip  # the last: alone, so that no others are waited for
    process = Process("Alertmanager", command, folder / "alertmanager.log", grace_seconds=5)
    try:
        process.wait_ready(lambda: httpx.get(f"http://{LOOPBACK}:{port}/-/ready").is_success, READY_SECONDS, NEVER)
        yield port
    finally:
        process.stop()
