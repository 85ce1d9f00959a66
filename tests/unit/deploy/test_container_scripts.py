"""What stands between a container and its command: secrets from files, a new start at a new token, health."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.compose.file import ROOT
from tests.compose.network import answer

BIN = ROOT / "deploy/docker/bin"
SHOW = "import os; print(os.environ['API_KEY'], 'FILE__API_KEY' in os.environ)"
WAIT = (
    "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print('up', flush=True); signal.pause()"
)


def started(*command: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(BIN / "with-secrets"), *command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_secret_of_a_file_is_a_variable_of_the_command(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("two words $HOME `id`\n")
    process = started(sys.executable, "-c", SHOW, FILE__API_KEY=str(secret))
    assert process.communicate(timeout=30) == ("two words $HOME `id` False\n", "")
    assert process.returncode == 0


@pytest.mark.parametrize("content", [None, ""])
def test_a_secret_that_is_not_there_is_named(tmp_path: Path, content: str | None) -> None:
    secret = tmp_path / "key"
    if content is not None:
        secret.write_text(content)
    process = started("true", FILE__API_KEY=str(secret))
    _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert str(secret) in said
    assert "API_KEY" in said


def test_the_command_is_told_to_stop_and_its_exit_code_is_ours(tmp_path: Path) -> None:
    watched = tmp_path / "token"
    watched.write_text("one")
    process = started(sys.executable, "-c", WAIT, RESTART_ON=str(watched))
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 7
    process.communicate()


def test_the_command_ends_when_what_it_was_given_changes(tmp_path: Path) -> None:
    watched = tmp_path / "token"
    watched.write_text("one")
    process = started(sys.executable, "-c", WAIT, RESTART_ON=str(watched), RESTART_CHECK_SECONDS="0.1")
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    watched.unlink()  # as while the other side starts: no reason to end
    assert process.poll() is None
    watched.write_text("another")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 7
    assert "has changed" in said


class Page(BaseHTTPRequestHandler):
    """/metrics with a count that the test sets."""

    answers = 0.0

    def do_GET(self) -> None:
        body = f'# TYPE x counter\nemostream_kafka_answers_total{{role="capture"}} {self.answers}\n'.encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def metrics() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_role_is_healthy_while_kafka_takes_its_signs_of_life(tmp_path: Path, metrics: ThreadingHTTPServer) -> None:
    check = runpy.run_path(str(BIN / "healthy"))["check"]
    assert check("capture", tmp_path, 0) == "has not started yet"
    listed = f'[{{"targets": ["0.0.0.0:{metrics.server_port}"], "labels": {{}}}}]'
    (tmp_path / "capture.json").write_text(listed)
    Page.answers = 0.0
    assert "no sign of life" in check("capture", tmp_path, 0)
    Page.answers = 3.0
    assert check("capture", tmp_path, 10) == ""
    assert check("capture", tmp_path, 15) == "", "looked at again too soon to tell"
    assert "for 20 s" in check("capture", tmp_path, 30)
    Page.answers = 4.0
    assert check("capture", tmp_path, 31) == ""


def test_a_role_that_does_not_answer_is_not_healthy(tmp_path: Path) -> None:
    check = runpy.run_path(str(BIN / "healthy"))["check"]
    (tmp_path / "capture.json").write_text('[{"targets": ["127.0.0.1:1"], "labels": {}}]')
    assert "does not answer" in check("capture", tmp_path, 0)
    (tmp_path / "analyze.json").write_text('[{"targets": [], "labels": {}}]')
    assert check("analyze", tmp_path, 0) == "no analyzer works"
    (tmp_path / "analyze.json").write_text('[{"targets": ["10.0.0.9:4000"], "labels": {}}]')
    assert check("analyze", tmp_path, 0) == ""


def test_a_node_of_ray_listens_where_it_speaks_to_kafka_from() -> None:
    node = runpy.run_path(str(BIN / "ray-node"))
    assert node["own_address"]("127.0.0.1:9092,10.0.0.1:9092") == "127.0.0.1"
    head = node["command"]("head", "10.0.0.7")
    assert head[:2] == ["ray", "start"]
    assert {"--head", "--block", "--node-ip-address=10.0.0.7", "--num-cpus=0", "--include-dashboard=false"} <= set(head)


def test_kafkas_health_check_is_a_request_that_a_broker_answers() -> None:
    """Ten bytes after their length, as ApiVersions has them; what a broker says to it is seen in test_compose.py."""
    text = (ROOT / "deploy/kafka/answers").read_text()
    written = text.split("printf '")[1].split("'")[0]
    octal = subprocess.run(["bash", "-c", f"printf '{written}'"], capture_output=True, check=True).stdout
    assert len(octal) == 14
    assert int.from_bytes(octal[:4], "big") == 10
    assert int.from_bytes(octal[4:6], "big") == 18


def test_names_are_answered_as_an_engine_does() -> None:
    asked = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05kafka\x00\x00\x01\x00\x01"
    said = answer(asked, {"kafka": "10.77.0.10"})
    assert said[:2] == b"\x12\x34"
    assert said.endswith(bytes([10, 77, 0, 10]))
    assert answer(asked, {})[3] & 15 == 3, "no such name"
    aaaa = asked[:-4] + b"\x00\x1c\x00\x01"
    assert answer(aaaa, {"kafka": "10.77.0.10"})[6:8] == b"\0\0", "known, but nothing of that kind"


def test_the_model_servers_own_settings(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "deploy/torchserve"))
    try:
        start = runpy.run_path(str(ROOT / "deploy/torchserve/start.py"))
    finally:
        sys.path.remove(str(ROOT / "deploy/torchserve"))
    told = dict(line.split("=", 1) for line in start["own_settings"]({}, tmp_path).splitlines() if line[:1].isalpha())
    assert told["disable_token_authorization"] == "false"
    assert told["allowed_urls"] == f"file://{tmp_path}/.*"
    for name in ("management_address", "grpc_management_address"):
        assert "127.0.0.1" in told[name], "nobody but the container itself manages it"
    assert told["enable_model_api"] == "true"
    for manage, allowed in (({}, "false"), ({"MANAGE": "on"}, "true")):
        lines = start["own_settings"]({"TOKEN": "off", **manage}, tmp_path).splitlines()
        told = dict(line.split("=", 1) for line in lines if line[:1].isalpha())
        assert told["disable_token_authorization"] == "true"
        assert told["enable_model_api"] == allowed, "without a token its management asks for no key, either"


def test_a_token_is_handed_over_whole(tmp_path: Path) -> None:
    hand_over = runpy.run_path(str(ROOT / "deploy/torchserve/start.py"))["hand_over"]
    keys, token = tmp_path / "key_file.json", tmp_path / "token"
    waiting = threading.Thread(target=hand_over, args=(keys, token))
    waiting.start()
    keys.write_text('{"inference": {"key": "abc')  # TorchServe is still writing
    keys.write_text('{"inference": {"key": "abc123"}, "management": {"key": "never"}}')
    waiting.join(30)
    assert token.read_text() == "abc123"
    assert token.stat().st_mode & 0o777 == 0o640
