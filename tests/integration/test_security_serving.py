"""TorchServe and Ray against those who were given nothing: no token, no file, only the ports."""

from __future__ import annotations

import http.server
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx
import psutil
import pytest

from pipeline.local.stack import LocalStack
from serving.server.wire import CONTENT_TYPE

pytestmark = pytest.mark.slow

LOOPBACK = "127.0.0.1"
REFUSED = {400, 401, 403, 404, 405}  # TorchServe says 400 of a wrong token, and 405 where it has no such thing
CONNECT = """
import sys
import ray
try:
    ray.init(address=sys.argv[1], log_to_driver=False, logging_level="CRITICAL")
    print("in:", len(ray.nodes()))
except BaseException as error:
    print("refused:", type(error).__name__)
"""


@pytest.fixture(scope="module")
def ports(stack: LocalStack) -> dict[str, str]:
    """What TorchServe was told, by name."""
    lines = (stack.run.torchserve / "config.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def token_of(stack: LocalStack, kind: str) -> str:
    keys = json.loads((stack.run.torchserve / "key_file.json").read_text())
    return str(keys[kind]["key"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def models(stack: LocalStack, ports: dict[str, str]) -> set[str]:
    """What is served, as the management port tells its owner."""
    answer = httpx.get(f"{ports['management_address']}/models", headers=bearer(token_of(stack, "management")))
    return {each["modelName"] for each in answer.raise_for_status().json()["models"]}


@contextmanager
def web_server(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """An address that a model could be fetched from, and what was asked of it."""
    asked: list[str] = []

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *told: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("token", ["", "guessed", "management"])
def test_nobody_predicts_without_the_token(token: str, stack: LocalStack, ports: dict[str, str]) -> None:
    given = token_of(stack, token) if token == "management" else token
    headers = {"Content-Type": CONTENT_TYPE, **(bearer(given) if given else {})}
    address = f"{ports['inference_address']}/predictions/{stack.settings.classify.model_name}"
    assert httpx.post(address, content=b"x", headers=headers).status_code in REFUSED


@pytest.mark.parametrize("token", ["", "guessed"])
def test_nor_over_grpc(token: str, stack: LocalStack, ports: dict[str, str]) -> None:
    address = f"{ports['grpc_inference_address']}:{ports['grpc_inference_port']}"
    metadata = [("authorization", f"Bearer {token}")] if token else []
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary("/org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions")
        with pytest.raises(grpc.RpcError) as refused:
            call(b"\x0a\x07emonext", metadata=metadata, timeout=20)
    assert refused.value.code() in {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED}


@pytest.mark.parametrize("token", ["", "guessed", "inference"])
def test_management_wants_a_token_of_its_own(token: str, stack: LocalStack, ports: dict[str, str]) -> None:
    """Not even the analyzers' token opens it."""
    given = token_of(stack, token) if token == "inference" else token
    headers = bearer(given) if given else {}
    name, management = stack.settings.classify.model_name, ports["management_address"]
    with httpx.Client(base_url=management, headers=headers) as client:
        assert client.get("/models").status_code in REFUSED
        assert client.delete(f"/models/{name}").status_code in REFUSED
        assert client.put(f"/models/{name}", params={"min_worker": 0}).status_code in REFUSED
        assert client.get("/token", params={"type": "inference"}).status_code in REFUSED
    assert models(stack, ports) == {name}


@pytest.mark.parametrize("token", ["", "management"])
@pytest.mark.parametrize("what", ["models", "workflows"])
def test_no_model_comes_from_the_network(
    token: str, what: str, stack: LocalStack, ports: dict[str, str], tmp_path: Path
) -> None:
    """Nor from the disk beyond the archive's folder, with whatever token. The server is not even asked for it."""
    headers = bearer(token_of(stack, token)) if token else {}
    for kind in ("mar", "war"):
        (tmp_path / f"evil.{kind}").write_bytes(b"PK")
    with web_server(tmp_path) as (address, asked):
        for url in (f"{address}/evil.mar", f"{address}/evil.war", f"file://{tmp_path}/evil.mar", "../evil.mar"):
            answer = httpx.post(f"{ports['management_address']}/{what}", params={"url": url}, headers=headers)
            assert not answer.is_success, url
    assert asked == []
    assert models(stack, ports) == {stack.settings.classify.model_name}


def test_metrics_and_management_are_for_this_machine(ports: dict[str, str]) -> None:
    for name in ("inference", "management", "metrics"):
        assert httpx.URL(ports[f"{name}_address"]).host == LOOPBACK
    assert {ports["grpc_inference_address"], ports["grpc_management_address"]} == {LOOPBACK}


def test_nothing_of_the_stack_listens_beyond_this_machine(stack: LocalStack) -> None:
    """Kafka, TorchServe, Ray and their children. A dashboard of Ray's would be one more."""
    found: dict[tuple[str, int], str] = {}
    for process in psutil.Process().children(recursive=True):
        try:
            connections = process.net_connections("inet")
        except psutil.Error:
            continue
        for each in connections:
            if each.status == psutil.CONN_LISTEN:
                found[each.laddr.ip, each.laddr.port] = process.name()
    assert len(found) > 5
    assert {ip for ip, _ in found} <= {LOOPBACK, "::1", "::ffff:127.0.0.1"}, found
    assert not [name for name in found.values() if "dashboard" in name]


def test_keys_are_for_their_owner_only(stack: LocalStack) -> None:
    for file in (stack.run.torchserve / "key_file.json", stack.run.path / "ray-token"):
        reachable = all(folder.stat().st_mode & stat.S_IXOTH for folder in file.parents)
        assert not (reachable and file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)), file


@pytest.mark.parametrize(
    "authentication",
    [{"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}],
    ids=["no token", "a guessed token"],
)
def test_nobody_joins_ray_without_its_token(authentication: dict[str, str], stack: LocalStack, tmp_path: Path) -> None:
    address = stack.settings.ray.address
    assert address is not None
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    assert told(address, {**env, **authentication, "HOME": str(tmp_path)}).startswith("refused")
    assert told(address, dict(os.environ)).startswith("in:")  # it is the token that decides


def told(address: str, env: dict[str, str]) -> str:
    command = [sys.executable, "-c", CONNECT, address]
    answer = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    return answer.stdout.strip().splitlines()[-1] if answer.stdout.strip() else "refused: ended"
