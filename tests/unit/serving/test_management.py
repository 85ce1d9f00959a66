"""What is asked of TorchServe's management API, and what is said of its refusals; the real one: tests/integration."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from serving.errors import ServingError
from serving.server.management import CONFIG, KEYS, Management, Registered, table

VERSIONS = [
    {"modelVersion": "2", "minWorkers": 1, "workers": [{"status": "READY"}]},
    {"modelVersion": "3", "minWorkers": 2, "workers": [{"status": "READY"}, {"status": "UNLOADING"}]},
]


class Server(ThreadingHTTPServer):
    """Has two versions, and unregisters none."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked: list[tuple[str, str, str]] = []


class Answers(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        found = {"/models/emonext/all": VERSIONS, "/models/emonext": VERSIONS[:1]}.get(self.path)
        self.answer(200 if found else 404, found or {"code": 404, "message": f"Model not found: {self.path}"})

    def do_DELETE(self) -> None:
        self.answer(403, {"code": 403, "message": "Cannot remove default version for model emonext"})

    def answer(self, status: int, content: object) -> None:
        self.server.asked.append((self.command, self.path, self.headers["Authorization"]))
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def folder(path: Path, server: Server) -> Path:
    (path / CONFIG).write_text(
        f"# ours\nmanagement_address=http://127.0.0.1:{server.server_port}\nmodel_store={path}\nmodel_store={path}\n"
    )
    (path / KEYS).write_text(json.dumps({"management": {"key": "of its own"}, "inference": {"key": "theirs"}}))
    return path


def test_it_lists_what_there_is_with_the_servers_own_key(server: Server, tmp_path: Path) -> None:
    found = Management(folder(tmp_path, server)).versions("emonext")
    assert found == [Registered("2", True, 1, 1), Registered("3", False, 1, 2)]
    assert table(found).splitlines() == ["2\t1 of 1 workers ready, default", "3\t1 of 2 workers ready"]
    assert {key for _, _, key in server.asked} == {"Bearer of its own"}


def test_what_torchserve_refuses_is_told_in_its_words(server: Server, tmp_path: Path) -> None:
    management = Management(folder(tmp_path, server))
    with pytest.raises(ServingError, match="Cannot remove default version"):
        management.unregister("emonext", "2")
    with pytest.raises(ServingError, match="Model not found"):
        management.versions("other")


def test_a_folder_of_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=f"{tmp_path} is no folder of a TorchServe"):
        Management(tmp_path)


def test_a_server_that_is_gone_is_told(server: Server, tmp_path: Path) -> None:
    management = Management(folder(tmp_path, server))
    server.server_close()
    server.shutdown()
    with pytest.raises(ServingError, match="does not answer"):
        management.versions("emonext")
