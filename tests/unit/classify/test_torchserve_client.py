"""The client of TorchServe against a stand-in that misbehaves; the real server is in tests/contract."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import psutil
import pytest

from pipeline.classify.choose import answers
from pipeline.classify.classifier import CropSpec, golden
from pipeline.classify.http import Http
from pipeline.classify.model_folder import Expected, ModelFolder
from pipeline.classify.torchserve import TorchServe, described
from pipeline.classify.transport import Message
from pipeline.errors import ClassifierUnavailable
from pipeline.messages import ModelRef
from pipeline.settings import ClassifySettings
from serving.server.wire import ItemError, decode_request, encode_description, encode_response

SHA = "ab" * 32
EVEN = np.full(7, 1 / 7, np.float32)
Answer = Callable[[bytes], tuple[int, bytes]]


class StandIn(ThreadingHTTPServer):
    """Answers with `answer`; counts connections, keeps the last request's path and headers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: Answer = well
        self.connections = 0
        self.requests: list[int] = []
        self.path = ""
        self.headers: dict[str, str] = {}

    def get_request(self) -> tuple[object, object]:  # type: ignore[override]
        self.connections += 1
        return super().get_request()


class _Handler(BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.path = self.path
        self.server.headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append(len(body))
        status, answer = self.server.answer(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        try:
            self.wfile.write(answer)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def well(body: bytes) -> tuple[int, bytes]:
    return 200, encode_response([EVEN] * len(decode_request(body)), SHA)


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def client_of(server: StandIn, timeout: float = 5, token: str | None = None) -> TorchServe:
    folder = Expected(ModelRef(name="m", version="1", sha256=SHA), CropSpec(), 0.0, SHA)
    url = f"http://127.0.0.1:{server.server_port}"
    return TorchServe(folder, Http(url, "/predictions/emonext", token=token, timeout=timeout))


@pytest.fixture
def client(server: StandIn) -> Iterator[TorchServe]:
    client = client_of(server)
    yield client
    client.close()


CROPS = [np.zeros((48, 48), np.uint8)] * 3


def test_a_request_is_bytes_on_a_connection_that_stays_open(server: StandIn) -> None:
    client = client_of(server, token="secret")
    for _ in range(5):
        np.testing.assert_array_equal(client.classify(CROPS).probabilities, [EVEN] * 3)
    assert server.connections == 1
    assert server.path == "/predictions/emonext"
    assert server.headers["content-type"] == "application/octet-stream"
    assert server.headers["authorization"] == "Bearer secret"
    assert abs(float(server.headers["x-emostream-sent"]) - time.time()) < 60
    client.close()


def test_requests_in_flight_do_not_wait_for_each_other(server: StandIn, client: TorchServe) -> None:
    together = threading.Barrier(3)

    def answer(body: bytes) -> tuple[int, bytes]:
        together.wait(timeout=5)
        return well(body)

    server.answer = answer
    with ThreadPoolExecutor(3) as pool:
        assert [len(scored.probabilities) for scored in pool.map(client.classify, [CROPS] * 3)] == [3, 3, 3]


def test_a_crop_that_the_model_refuses_is_told_alone(server: StandIn, client: TorchServe) -> None:
    server.answer = lambda body: (200, encode_response([EVEN, ItemError("upside down"), EVEN], SHA))
    scored = client.classify(CROPS)
    assert scored.errors == {1: "upside down"}
    np.testing.assert_array_equal(scored.probabilities, [EVEN, np.zeros(7), EVEN])


@pytest.mark.parametrize(
    "row", [[np.nan] * 7, [np.inf, 0, 0, 0, 0, 0, 0], [-0.5, 1.5, 0, 0, 0, 0, 0], [3.0, 0, 0, 0, 0, 0, 0]]
)
def test_a_row_that_is_no_probabilities_is_told_of_its_crop_alone(
    server: StandIn, client: TorchServe, row: list[float]
) -> None:
    server.answer = lambda body: (200, response([EVEN, row, EVEN]))
    scored = client.classify(CROPS)
    assert scored.errors == {1: "the model gives no probabilities"}
    np.testing.assert_array_equal(scored.probabilities, [EVEN, np.zeros(7), EVEN])


def test_a_crop_that_is_none_is_not_sent(server: StandIn, client: TorchServe) -> None:
    asked: list[int] = []
    server.answer = lambda body: (asked.append(len(decode_request(body))), well(body))[1]  # type: ignore[func-returns-value]
    crops = [CROPS[0], np.zeros((48, 48, 4), np.uint8), np.zeros((48, 48), np.float32), None, CROPS[0]]
    scored = client.classify(crops)  # type: ignore[arg-type]
    assert asked == [2]
    assert set(scored.errors) == {1, 2, 3}
    assert "must be (H, W) or (H, W, 3)" in scored.errors[1]
    np.testing.assert_array_equal(scored.probabilities[[0, 4]], [EVEN] * 2)


def test_what_the_model_says_of_a_crop_is_cut(server: StandIn, client: TorchServe) -> None:
    server.answer = lambda body: (200, encode_response([EVEN, ItemError("x" * 500), EVEN], SHA))
    assert client.classify(CROPS).errors == {1: "x" * 200}


def test_a_refused_request_is_not_to_be_sent_again(server: StandIn, client: TorchServe) -> None:
    server.answer = lambda body: (422, b'{"error": "no request"}')
    scored = client.classify(CROPS)
    assert set(scored.errors) == {0, 1, 2}
    assert "no request" in scored.errors[0]


def response(rows: list[object], digest: str = SHA) -> bytes:
    return encode_response([np.array(row, np.float32) for row in rows], digest)


GOOD = response([EVEN] * 3)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, b"worker died", "answers 500: worker died"),
        (503, b"no worker", "answers 503"),
        (404, b"no such model", "answers 404"),
        (400, b"wrong token", "answers 400"),
        (401, b"no token", "answers 401"),
        (301, b"", "answers 301"),
        (200, b"", "empty response"),
        (200, b"<html>a proxy's page</html>", "not one of emostream's"),
        (200, GOOD[:-1], "cut short"),
        (200, GOOD + b"x", "1 bytes after"),
        (200, bytes(7_000_000), "more than"),
        (200, response([EVEN] * 2), "for 2 crops, 3 were asked"),
        (200, response([EVEN[:6]] * 3), "not of 7 values"),
        (200, response([EVEN] * 3, digest="cd" * 32), "serves another model, cdcdcdcdcdcd"),
    ],
)
def test_what_the_server_says_is_not_trusted(
    server: StandIn, client: TorchServe, status: int, body: bytes, said: str
) -> None:
    server.answer = lambda request: (status, body)
    with pytest.raises(ClassifierUnavailable, match=said):
        client.classify(CROPS)
    server.answer = well
    assert client.classify(CROPS).errors == {}


def test_a_server_that_is_too_slow_is_not_waited_for(server: StandIn) -> None:
    client = client_of(server, timeout=0.3)
    let_go = threading.Event()
    server.answer = lambda body: (let_go.wait(5), well(body))[1]
    began = time.monotonic()
    with pytest.raises(ClassifierUnavailable, match=r"within 0\.3 s"):
        client.classify(CROPS)
    assert time.monotonic() - began < 2
    let_go.set()
    client.close()


def test_a_second_attempt_has_what_is_left_of_the_time() -> None:
    """A server that closes each connection after most of the timeout, and answers none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def close_late() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.recv(65536)
                    time.sleep(0.8)
                    connection.close()

        threading.Thread(target=close_late, daemon=True).start()
        http = Http(f"http://127.0.0.1:{listener.getsockname()[1]}", "/", timeout=1)
        began = time.monotonic()
        with pytest.raises(ClassifierUnavailable, match="within 1 s"):
            http(Message(b"x"))
        assert time.monotonic() - began < 1.4
        http.close()


def test_a_password_in_the_address_is_not_told() -> None:
    http = Http("http://user:hunter2@127.0.0.1:9", "/", timeout=1)
    with pytest.raises(ClassifierUnavailable, match=r"at 127\.0\.0\.1:9 is not there") as caught:
        http(Message(b"x"))
    assert "hunter2" not in str(caught.value)
    http.close()


def test_a_server_that_is_gone_may_come_back() -> None:
    with StandIn() as server:
        client = client_of(server)
    with pytest.raises(ClassifierUnavailable, match="is not there"):
        client.classify(CROPS)
    client.close()


def test_a_connection_that_the_server_closed_is_opened_again(server: StandIn, client: TorchServe) -> None:
    class Closing(_Handler):
        def do_POST(self) -> None:
            super().do_POST()
            self.close_connection = True

    server.RequestHandlerClass = Closing
    for _ in range(4):
        assert client.classify(CROPS).errors == {}


def test_many_crops_go_in_several_requests(server: StandIn, client: TorchServe) -> None:
    crops = [np.full((48, 48), at % 256, np.uint8) for at in range(1030)]

    def answer(body: bytes) -> tuple[int, bytes]:
        first = [float(crop.min()) / 255 for crop in decode_request(body) if not isinstance(crop, ItemError)]
        return 200, response([[p, 1 - p, 0, 0, 0, 0, 0] for p in first])

    server.answer = answer
    scored = client.classify(crops)
    np.testing.assert_allclose(scored.probabilities[:, 0], [(at % 256) / 255 for at in range(1030)], atol=1e-6)
    assert len(server.requests) == 2
    large = [np.zeros((300, 300, 3), np.uint8)] * 50
    assert len(client.classify(large).probabilities) == 50
    assert max(server.requests) <= 6_000_000


def test_readiness_needs_a_true_answer(server: StandIn, client: TorchServe) -> None:
    assert golden(client).probabilities.shape == (1, 7)
    server.answer = lambda body: (422, b"what is this")
    with pytest.raises(ClassifierUnavailable, match="golden"):
        golden(client)


def test_a_server_that_is_asked_until_it_answers_keeps_no_connections(server: StandIn) -> None:
    settings = ClassifySettings(kind="torchserve")
    server.answer = lambda body: (503, b"loading")
    for _ in range(3):
        with pytest.raises(ClassifierUnavailable, match="answers 503"):
            answers(settings, f"http://127.0.0.1:{server.server_port}", "secret")
    digest = ModelFolder.of(None).digest
    server.answer = lambda body: (200, response([EVEN], digest))
    assert answers(settings, f"http://127.0.0.1:{server.server_port}", "secret")
    assert server.headers["authorization"] == "Bearer secret"
    peers = [each.raddr for each in psutil.Process().net_connections("tcp") if each.status == psutil.CONN_ESTABLISHED]
    assert server.server_port not in [peer.port for peer in peers if peer]


def versioned(server: StandIn) -> ClassifySettings:
    return ClassifySettings(kind="torchserve", url=f"http://127.0.0.1:{server.server_port}")


def test_each_request_names_the_version_that_it_is_for(server: StandIn) -> None:
    model = Expected(ModelRef(name="m", version="3/b", sha256=SHA), CropSpec(), 0.0, SHA)
    with contextlib.closing(TorchServe.of(versioned(server), model)) as classifier:
        assert not classifier.classify([np.zeros((48, 48), np.uint8)]).errors
    assert server.path == "/predictions/emonext/3%2Fb"


def test_a_version_says_what_it_is(server: StandIn) -> None:
    told = {
        "name": "m", "version": "3", "sha256": SHA, "digest": SHA, "labels": ["happy", "sad"], "size": 48,
        "color": "gray", "margin": 0.1, "abstain_below": 0.3,
    }  # fmt: skip
    server.answer = lambda body: (200, encode_description(json.dumps(told).encode()))
    found = described(versioned(server), "3")
    assert found.ref == ModelRef(name="m", version="3", sha256=SHA)
    assert (found.digest, found.labels, found.margin, found.abstain_below) == (SHA, ("happy", "sad"), 0.1, 0.3)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, b"no version 3"), "version 3 at http.*answers 404: no version 3"),
        ((422, b"no request"), "does not tell what it is .*no request.*package it anew"),
        ((200, encode_description(b"{}")), "does not tell what it is"),
        ((200, encode_description(b"[]")), "does not tell what it is"),
        ((200, b"\xff"), "does not tell what it is"),
    ],
)
def test_one_that_does_not_is_named(server: StandIn, answer: tuple[int, bytes], said: str) -> None:
    server.answer = lambda body: answer
    with pytest.raises(ClassifierUnavailable, match=said):
        described(versioned(server), "3")
