"""The whole pipeline on brokers that deny by default, each role as a user of its own; and where its secrets end up.

One run answers several questions: whether the rights of each role suffice, whether each of them is needed, and whether
any secret that was given to a role can be read where others look.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import psutil
import pytest
import yaml

from pipeline.cluster.environment import set_environment
from pipeline.kafka import acls
from pipeline.kafka.clients import producer
from pipeline.kafka.grants import ALL, Grant
from pipeline.kafka.reader import Reader
from pipeline.local import ray_cluster
from pipeline.local.ports import free_ports
from pipeline.local.process import Process
from pipeline.local.roles import role as role_process
from pipeline.settings import KafkaSettings, RaySettings, load
from pipeline.topics import ALERTS, DEAD_LETTERS, EVENTS, FRAMES, PREVIEWS, WINDOWS, name
from tests.secured import ADMIN, SecuredKafka

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PATIENCE = 240.0
ROLES = ("aggregate", "analyze", "dashboard", "api", "webhooks", "capture")
OPERATOR, READER = "operator", "reader"
EVERYBODY = (*ROLES, OPERATOR, READER)
SECRET_VARIABLES = ("API_TOKEN_OF_OPERATOR", "WEBHOOK_SECRET", "CAMERA_LOGIN")
DECISION = re.compile(
    r"Principal = User:emostream-(\S+) is (Allowed|Denied) operation = (\S+) from host = \S+ "
    r"on resource = (\w+):(LITERAL|PREFIXED):(\S+)"
)


@dataclass
class Site:
    """A run, and what is known of it at its end. `decisions`: (role, allowed, grant as it was asked for)."""

    kafka: KafkaSettings
    folder: Path
    secrets: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    command_lines: set[str] = field(default_factory=set)
    decisions: set[tuple[str, bool, Grant]] = field(default_factory=set)
    records: list[Any] = field(default_factory=list)


def black_clip(file: Path) -> str:
    """A camera that sees nothing: analyze tells so."""
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"mp4v"), 5, (160, 120))
    for _ in range(75):
        writer.write(np.zeros((120, 160, 3), np.uint8))
    writer.release()
    return f"{file}?realtime=false&id=dark"


def told_to_all(kafka: KafkaSettings, folder: Path, api_port: int, ray: str) -> dict[str, Any]:
    every = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    return {
        "policy": {"purpose": "tests of emostream", "setting": "demonstration"},
        "delivery": "exactly_once",
        "kafka": {"bootstrap": kafka.bootstrap, "partitions": 3},
        "ray": {"address": ray},
        "classify": {"kind": "in-process"},
        "analyze": {"actors": 1},
        "aggregate": {"windows": [{"seconds": 10}], "grace_seconds": 0, "idle_seconds": 5, "member": "0"},
        "alerts": [{"id": "anybody", "window": "10s", "expressions": every, "above": 0.1, "min_told": 1}],
        "webhooks": [
            {
                "id": "nobody-there",
                "url": "http://127.0.0.1:9/alerts",
                "secret": "env:WEBHOOK_SECRET",
                "give_up_seconds": 0,
            }
        ],
        "api": {
            "port": api_port,
            "tokens": [{"name": "op", "role": "operator", "token": "env:API_TOKEN_OF_OPERATOR"}],
        },
        "dashboard": {"port": 0},
        "log_level": "DEBUG",
        "log_dir": str(folder),
    }


def settings_file(site: Site, role: str, told: dict[str, Any]) -> Path:
    security = site.kafka.security.model_dump(mode="json", exclude_none=True)
    mine = {"username": f"emostream-{role}", "password": f"env:KAFKA_PASSWORD_OF_EMOSTREAM_{role.upper()}"}
    more: dict[str, Any] = {}
    if role == "capture":
        own = black_clip(site.folder / "dark.mp4")
        away = {"uri": "rtsp://127.0.0.1:9/hall", "id": "away", "credentials": "env:CAMERA_LOGIN"}
        more["cameras"] = [{"uri": "synthetic:?people=2&fps=4&id=hall"}, {"uri": own}, away]
    text = {**told, **more, "kafka": {**told["kafka"], "security": {**security, **mine}}}
    folder = site.folder / role
    folder.mkdir(exist_ok=True)
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(text))
    return file


def until(what: str, condition: Callable[[], Any], running: dict[str, Process]) -> Any:
    give_up, pause = time.monotonic() + PATIENCE, threading.Event()
    while not (value := condition()):
        for process in running.values():
            process.check()
        assert time.monotonic() < give_up, f"waited in vain for {what}"
        pause.wait(0.5)
    return value


def command(site: Site, file: Path, *words: str) -> str:
    line = [sys.executable, "-m", "pipeline.cli", *words, "-c", str(file)]
    told = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE, check=False)
    site.answers[" ".join(words)] = told.stdout + told.stderr
    assert told.returncode == 0, told.stderr[-2000:]
    return told.stdout


def look_at_processes(site: Site) -> None:
    for process in psutil.process_iter():
        try:
            site.command_lines.add(" ".join(process.cmdline()))
        except psutil.Error:
            continue


@pytest.fixture(scope="module")
def site(secured: SecuredKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with ExitStack() as ends:
        found = Site(secured.settings(ADMIN), folder)
        for variable in SECRET_VARIABLES:
            os.environ[variable] = marked(variable)
            ends.callback(os.environ.pop, variable, None)
            found.secrets[variable] = os.environ[variable].removeprefix("whsec_").rpartition(":")[2]
        secured.add(*(f"emostream-{role}" for role in EVERYBODY))
        found.secrets |= {name: os.environ[name] for name in os.environ if name.startswith("KAFKA_PASSWORD_OF_")}
        cluster = ray_cluster.start(RaySettings(), secured.run, threading.Event())  # type: ignore[call-arg]
        ends.callback(cluster.stop)
        ends.callback(set_environment, set_environment(cluster.environment))
        found.secrets["ray token"] = (secured.run.path / "ray-token").read_text()
        (port,) = free_ports(1)
        told = told_to_all(found.kafka, folder, port, cluster.address)
        files = {role: settings_file(found, role, told) for role in EVERYBODY}
        admin_file = folder / "admin.yaml"
        security = {"security": found.kafka.security.model_dump(mode="json", exclude_none=True)}
        admin_file.write_text(yaml.safe_dump({**told, "kafka": {**told["kafka"], **security}}))
        command(found, admin_file, "topics", "apply")
        command(found, admin_file, "topics", "acls", "--apply")
        run(found, files, f"http://127.0.0.1:{port}")
        found.records = everything(found.kafka)
        logs = secured.run.short / "ray" / "session_latest" / "logs"
        shutil.copytree(logs, folder / "ray", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
        found.decisions = decisions(secured.log.read_text(errors="replace"))
        yield found


def marked(variable: str) -> str:
    made = f"mark{secrets.token_hex(16)}"
    match variable:
        case "WEBHOOK_SECRET":
            return "whsec_" + (made + "0000")[:40]
        case "CAMERA_LOGIN":
            return f"someone:{made}"
    return made


def run(site: Site, files: dict[str, Path], api: str) -> None:
    """Everything that each role does, at least once."""
    with ExitStack() as ends:

        def start(role: str) -> Process:
            return ends.enter_context(role_process(role, files[role], files[role].parent))

        started = {role: start(role) for role in ROLES}
        with closing(producer(site.kafka)) as to:
            to.send(name(site.kafka, FRAMES), b"garbage", key=b"nobody").get(timeout=30)
        headers = {"Authorization": f"Bearer {os.environ['API_TOKEN_OF_OPERATOR']}"}
        with httpx.Client(base_url=api, headers=headers, timeout=20) as client:
            until("the API", lambda: answered(client), started)
            until("windows", lambda: has(site, WINDOWS), started)
            until("alerts", lambda: has(site, ALERTS), started)
            until("previews", lambda: has(site, PREVIEWS), started)
            until("both dead letters", lambda: len(has(site, DEAD_LETTERS)) >= 2, started)
            until("that a camera sees nothing", lambda: '"sight":"dark"' in text_of(site, "camera-status"), started)
            steer(site, client)
            use_the_command_line(site, files)
            look_at_processes(site)
            kill(started.pop("capture"))
            until("that the host is gone", lambda: "emostream.idle" in text_of(site, EVENTS), started)
            for role in ("aggregate", "analyze", "capture"):  # they read how far those before them came
                if role in started:
                    started.pop(role).stop()
                started[role] = start(role)
            known = len(has(site, EVENTS))
            until("frames after that", lambda: len(has(site, EVENTS)) > known + 20, started)
            ask(site, client)


def kill(process: Process) -> None:
    """With all that it started, without a word."""
    top = psutil.Process(process.pid)
    for each in [*top.children(recursive=True), top]:
        each.kill()


def ask(site: Site, client: httpx.Client) -> None:
    for path in ("/readyz", "/v1/cameras", "/v1/windows", "/v1/alerts", "/v1/roles", "/openapi.json"):
        site.answers[path] = client.get(path).text
    for group in client.get("/v1/prometheus/targets").json():
        for target in group["targets"]:
            try:
                site.answers[target] = httpx.get(f"http://{target}/metrics", timeout=10).text
            except httpx.TransportError:
                continue  # of a role that was restarted


def answered(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code in (200, 503)
    except httpx.TransportError:
        return False


def steer(site: Site, client: httpx.Client) -> None:
    added = client.post("/v1/cameras", json={"uri": "synthetic:?people=1&fps=2", "id": "by-api"})
    site.answers["add"] = added.text
    assert added.status_code == 201, added.text
    until_time = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    silenced = client.post("/v1/alerts/silence", json={"rule": "anybody", "until": until_time})
    assert silenced.status_code == 202, silenced.text
    site.answers["wrong"] = client.get("/v1/roles", headers={"Authorization": "Bearer wrong"}).text


def use_the_command_line(site: Site, files: dict[str, Path]) -> None:
    operator, reader = files[OPERATOR], files[READER]
    command(site, operator, "cameras", "add", "synthetic:?people=1&fps=2&id=by-hand")
    command(site, operator, "cameras", "list")
    command(site, operator, "alerts", "list")
    command(site, operator, "alerts", "silence", "--for", "1h", "--rule", "anybody")
    command(site, operator, "audit")
    command(site, operator, "topics", "check")
    for topic in ("roles", WINDOWS, EVENTS):
        command(site, operator, "events", "--topic", topic)
    for topic in (EVENTS, WINDOWS, ALERTS, "camera-status"):
        command(site, reader, "events", "--topic", topic)


def has(site: Site, topic: str) -> list[Any]:
    with Reader(site.kafka, [topic]) as reader:
        reader.from_beginning()
        return list(reader.to_end())


def text_of(site: Site, topic: str) -> str:
    parts = [(record.value or b"") + repr(record.headers).encode() for record in has(site, topic)]
    return b"\n".join(parts).decode(errors="replace")


def everything(kafka: KafkaSettings) -> list[Any]:
    with Reader(kafka, ALL) as reader:
        reader.from_beginning()
        return list(reader.to_end())


def decisions(log: str) -> set[tuple[str, bool, Grant]]:
    """What Kafka's authorizer was asked of our roles."""
    found = set()
    for role, outcome, operation, kind, _, thing in DECISION.findall(log):
        words = {"TransactionalId": "transactional-id"}
        asked = Grant(words.get(kind, kind.lower()), thing, operation.lower().replace("_", "-"))  # type: ignore[arg-type]
        found.add((role, outcome == "Allowed", asked))
    return found


def test_the_rights_of_each_role_suffice(site: Site) -> None:
    """What was refused: to make topics that a role does not see, which it goes on without."""
    refused = {(role, asked) for role, allowed, asked in site.decisions if not allowed and asked.operation != "create"}
    assert not refused


def test_each_right_was_needed(site: Site) -> None:
    settings = load(site.folder / "admin.yaml")
    wanted = acls.planned(settings, EVERYBODY, "{role}")
    used = {(role, asked) for role, allowed, asked in site.decisions if allowed}
    idle = [acls.told(right) for right in wanted if not any(uses(asked, right, role) for role, asked in used)]
    assert not idle


def uses(asked: Grant, right: acls.Right, role: str) -> bool:
    grant = right.grant
    named = asked.name.startswith(grant.name) if grant.prefixed else asked.name == grant.name
    return role == right.user and named and (asked.kind, asked.operation) == (grant.kind, grant.operation)


def test_no_secret_is_in_a_log_or_a_file(site: Site) -> None:
    """Settings files name variables; nothing else knows more."""
    found = []
    for file in site.folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            found += [f"{name} in {file.relative_to(site.folder)}" for name in leaked(site, content)]
    assert not found


def test_no_secret_is_on_a_command_line(site: Site) -> None:
    assert any("pipeline.cli" in line for line in site.command_lines)
    assert not [name for line in site.command_lines for name in leaked(site, line.encode())]


def test_no_secret_is_in_an_answer_or_a_metric(site: Site) -> None:
    assert any("emostream_frames" in answer for answer in site.answers.values())
    assert not [(what, name) for what, answer in site.answers.items() for name in leaked(site, answer.encode())]


def test_no_secret_is_in_a_topic(site: Site) -> None:
    assert len(site.records) > 100
    found = set()
    for record in site.records:
        whole = b"\0".join([record.key or b"", record.value or b"", repr(record.headers).encode()])
        found |= {(record.topic, name) for name in leaked(site, whole)}
    assert not found


def leaked(site: Site, content: bytes) -> list[str]:
    return [name for name, secret in site.secrets.items() if secret.encode() in content]
