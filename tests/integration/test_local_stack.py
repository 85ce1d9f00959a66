"""The embedded stack with its real parts: it starts, it is shut in, and nothing of it stays."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from pipeline.cluster.environment import set_environment
from pipeline.errors import DependencyError
from pipeline.kafka.clients import apply_topics
from pipeline.local import jars, java, kafka, ray_cluster, torchserve
from pipeline.local.folders import RunFolder, new_run
from pipeline.local.ports import free_ports
from pipeline.local.process import Cancelled
from pipeline.local.stack import LocalStack
from pipeline.settings import ClassifySettings, Settings

pytestmark = pytest.mark.xdist_group("local")  # one after the other: each takes the whole machine

GONE_SECONDS = 10.0
PATIENCE = 60.0
OVER_HTTP = Settings.model_validate({"classify": {"kind": "torchserve"}})  # `echoes` asks so
ECHO = "def handle(data, context):\n    return None if data is None else [bytes(row['body']) for row in data]\n"
BROKEN = "raise RuntimeError('the weights are damaged')\n"
# Starts the stack and an actor, tells about both as a line of JSON, and waits to be killed.
PARENT = """
import json, os, sys, time
from pathlib import Path
from pipeline.local.stack import LocalStack
sys.path.insert(0, sys.argv[3])
from test_local_stack import OVER_HTTP, echoes
told = []
began = time.monotonic()
with LocalStack(OVER_HTTP, Path(sys.argv[1]), lambda *event: told.append(event),
                archive_path=Path(sys.argv[2]), golden=echoes) as stack:
    seconds = time.monotonic() - began
    import ray
    ray.init(address=stack.settings.ray.address, log_to_driver=False, logging_level="ERROR")
    actor = ray.remote(type("Actor", (), {"pid": lambda self: os.getpid()})).remote()
    print(json.dumps({"seconds": seconds, "actor": ray.get(actor.pid.remote()), "told": told}), flush=True)
    time.sleep(600)
"""


def echoes(url: str, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    answer = httpx.post(f"{url}/predictions/emonext", content=b"golden", headers=headers, timeout=10)
    return answer.is_success and answer.content == b"golden"


def answers(settings: ClassifySettings) -> bool:
    try:
        return echoes(settings.url, settings.secret or "")
    except httpx.HTTPError:
        return False


def archive(folder: Path, handler: str) -> Path:
    """A model archive of nothing but this handler."""
    (folder / "handler.py").write_text(handler)
    command = [sys.executable, "-m", "model_archiver.model_packaging", "--model-name", "echo", "--version", "1"]
    command += ["--handler", str(folder / "handler.py"), "--export-path", str(folder)]
    subprocess.run(command, check=True, env={**os.environ, "TMPDIR": str(folder)})
    return folder / "echo.mar"


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("echo"), ECHO)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunFolder]:
    folder = new_run(tmp_path)
    yield folder
    folder.close()


def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


BEFORE: set[int] = set()  # what other tests of this process keep running


@pytest.fixture(autouse=True)
def _others() -> None:
    BEFORE.clear()
    BEFORE.update(each.pid for each in psutil.Process().children(recursive=True))


def descendants(pid: int) -> list[psutil.Process]:
    """Processes below this one, other tests' aside."""
    return [each for each in psutil.Process(pid).children(recursive=True) if each.pid not in BEFORE]


def alive(processes: list[psutil.Process]) -> list[str]:
    return [command for process in processes if (command := running(process))]


def running(process: psutil.Process) -> str:
    """Its command; "" of one that has ended, even while it is asked."""
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else " ".join(process.cmdline())[:80]
    except psutil.NoSuchProcess:  # a zombie, too
        return ""


def listening(processes: list[psutil.Process]) -> set[str]:
    """Addresses on which these processes listen for TCP."""
    connections = [each for process in processes for each in process.net_connections("tcp")]
    return {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}


def test_starts_serves_and_leaves_nothing_but_logs(tmp_path: Path, echo: Path) -> None:
    from kafka import KafkaAdminClient

    told: list[tuple[str, str]] = []
    before = dict(os.environ)
    stack = LocalStack(
        OVER_HTTP, tmp_path, lambda part, text: told.append((part, text)), archive_path=echo, golden=echoes
    )
    with stack:
        settings = stack.settings
        processes = descendants(os.getpid())
        names = {process.name() for process in processes}
        assert {"java", "raylet", "gcs_server"} <= names
        assert listening(processes) <= {"127.0.0.1", "::ffff:127.0.0.1"}
        admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
        assert "no-such-topic" not in admin.list_topics()
        admin.close()
        assert settings.kafka.replication == 1
        assert echoes(settings.classify.url, settings.classify.secret or "")
        assert not echoes(settings.classify.url, "another token")
        (listed,) = json.loads((stack.run.path / "metrics" / "torchserve.json").read_text())
        assert "ts_inference_requests_total" in httpx.get(f"http://{listed['targets'][0]}/metrics", timeout=10).text
        assert settings.ray.address is not None
        assert settings.ray.address.startswith("127.0.0.1:")
        assert os.environ["RAY_AUTH_MODE"] == "token"
        assert {part for part, text in told if text == "ready"} == {"Kafka", "TorchServe", "Ray"}
        stack.check()
    assert not alive(processes)
    assert os.environ == before
    assert sorted(path.name for path in stack.run.path.iterdir()) == ["lock", "logs"]
    assert {"kafka.log", "torchserve.log", "ray.log", "ray"} <= {path.name for path in stack.run.logs.iterdir()}
    assert not stack.run.short.exists()


def test_nothing_outlives_a_killed_parent_and_a_second_start_is_quick(tmp_path: Path, echo: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path), str(echo), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        line: dict[str, Any] = json.loads(parent.stdout.readline())
        processes = descendants(parent.pid)
        assert line["actor"] in {process.pid for process in processes}
        assert len(processes) > 8
        parent.kill()
        until(lambda: not alive(processes), "all are gone", GONE_SECONDS)
    assert not [text for _, text in line["told"] if "fetching" in text]
    assert line["seconds"] < PATIENCE
    left = (tmp_path / "latest" / "tmp").readlink()
    assert left.exists()
    new_run(tmp_path).close()
    assert not left.exists()


def test_a_part_that_dies_is_named_with_what_its_log_says(tmp_path: Path, echo: Path) -> None:
    settings = Settings.model_validate({**OVER_HTTP.model_dump(), "ray": {"address": "elsewhere:6379"}})
    with LocalStack(settings, tmp_path, archive_path=echo, golden=echoes) as stack:
        assert stack.settings.ray.address == "elsewhere:6379"
        javas = [each for each in descendants(os.getpid()) if each.name() == "java"]
        broker = next(each for each in javas if "kafka.Kafka" in each.cmdline())
        server = next(each for each in javas if each != broker)
        worker = server.children()[0]
        broker.send_signal(signal.SIGTERM)
        with pytest.raises(DependencyError, match=r"Kafka has ended: .*; its log is .*kafka\.log"):
            until(stack.check, "never")
        worker.kill()  # TorchServe replaces a worker by itself
        until(lambda: [each for each in server.children() if each.pid != worker.pid], "a new worker")
        until(lambda: answers(stack.settings.classify), "it answers again")


@pytest.mark.slow
def test_parts_that_ended_are_started_again_where_they_were(tmp_path: Path, echo: Path) -> None:
    with LocalStack(OVER_HTTP, tmp_path, archive_path=echo, golden=echoes) as stack:
        before = stack.settings
        created = apply_topics(before.kafka)
        for each in descendants(os.getpid()):
            if each.name() in ("java", "gcs_server"):
                each.kill()
        told: dict[str, str] = {}
        until(lambda: told.update(stack.tend(time.monotonic())) or len(told) == 3, "all are started again")
        assert all("has ended" in why for why in told.values())
        until(lambda: kafka.answers(before.kafka.bootstrap), "Kafka answers")
        assert apply_topics(before.kafka) == []
        assert created
        assert stack.settings.ray.address == before.ray.address
        assert stack.settings.classify.secret != before.classify.secret
        until(lambda: answers(stack.settings.classify), "TorchServe answers")
        assert stack.tend(time.monotonic()) == {}


def test_a_start_can_be_given_up(tmp_path: Path, echo: Path) -> None:
    stop = threading.Event()
    stack = LocalStack(OVER_HTTP, tmp_path, lambda *_: stop.set(), archive_path=echo, golden=echoes, stop=stop)
    with pytest.raises(Cancelled), stack:
        pytest.fail("it started")
    assert not [each for each in descendants(os.getpid()) if each.name() in ("java", "raylet", "gcs_server")]


def test_no_jars_and_no_network_is_one_clear_line(tmp_path: Path, echo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSTREAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(jars.MIRROR, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    began = time.monotonic()
    with (
        pytest.raises(DependencyError, match=r"Kafka's jars cannot be fetched \(.*no connection\)") as caught,
        LocalStack(OVER_HTTP, tmp_path / "runs", archive_path=echo, golden=echoes),
    ):
        pytest.fail("it started")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < PATIENCE
    assert not [each for each in descendants(os.getpid()) if each.name() in ("java", "raylet", "gcs_server")]


def test_a_taken_port_is_tried_again_with_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the search for a port and its use somebody else may take it."""
    settings = Settings.model_validate({"ray": {"address": "elsewhere:6379"}, "classify": {"kind": "in-process"}})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = [[taken.getsockname()[1], *free_ports(1)]]
        monkeypatch.setattr(kafka, "free_ports", lambda count: first.pop() if first else free_ports(count))
        with LocalStack(settings, tmp_path) as stack:
            assert not first
            assert kafka.answers(stack.settings.kafka.bootstrap)


def test_a_model_that_does_not_load_is_told_at_once(tmp_path: Path, run: RunFolder) -> None:
    damaged = archive(tmp_path, BROKEN)
    with pytest.raises(
        DependencyError, match="TorchServe cannot load the model: RuntimeError: the weights are damaged"
    ):
        torchserve.start(java.find(), damaged, OVER_HTTP.classify, run=run, golden=echoes, cancelled=threading.Event())


def test_ray_that_was_imported_before_follows(run: RunFolder) -> None:
    """Token, loopback: Ray reads its environment at import, and the stack comes later."""
    import ray

    cluster = ray_cluster.start(Settings().ray, run, threading.Event())
    before = set_environment(cluster.environment)
    try:
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        assert ray.is_initialized()
    finally:
        ray.shutdown()
        set_environment(before)
        cluster.stop()
