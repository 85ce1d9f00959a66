"""Open Inference over HTTP with servers of both habits, and with ones that misbehave."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import numpy as np
import pytest

from pipeline.classify.classifier import CropSpec
from pipeline.classify.model_folder import Expected
from pipeline.classify.open_inference import OpenInference
from pipeline.classify.open_inference_http import HttpInference
from pipeline.classify.transport import Message, Refused
from pipeline.errors import ClassifierUnavailable
from pipeline.messages import ModelRef
from pipeline.settings import ClassifySettings
from serving.server.open_inference import BINARY, HEADER_LENGTH, Body, decode_request, encode_response
from serving.server.wire import SENT_AT

SHA = "ab" * 32
EVEN = [1 / 7] * 7
FOLDER = Expected(ModelRef(name="m", version="1", digest=SHA), CropSpec(), 0.0, SHA)


class Server:
    """In place of Http: answers as a server with `metadata` would; keeps the requests."""

    def __init__(self, metadata: bytes | None) -> None:
        self.metadata = metadata
        self.requests: list[Message] = []
        self.answer: Message | Exception | None = None

    def get(self, path: str) -> bytes | None:
        assert path == "/v2"
        return self.metadata

    def __call__(self, request: Message) -> Message:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        asked = decode_request(request.body, request.headers.get(HEADER_LENGTH))
        scores = np.tile(np.float32(EVEN), (len(asked.crops), 1))
        return message(encode_response(scores, asked, name="m", version="1", digest=SHA))

    def close(self) -> None: ...


def message(body: Body) -> Message:
    return Message(body.content, body.headers)


def client_of(server: Server, crop: CropSpec = FOLDER.crop) -> OpenInference:
    infer = HttpInference(ClassifySettings(kind="open-inference"))
    infer.close()
    infer._http = server  # type: ignore[assignment]
    return OpenInference(dataclasses.replace(FOLDER, crop=crop), infer)


def crops(n: int) -> list[np.ndarray]:
    return [np.full((48, 48), at % 256, np.uint8) for at in range(n)]


@pytest.mark.parametrize(
    ("metadata", "content_type"),
    [
        (b'{"name": "triton", "extensions": ["trace", "binary_tensor_data"]}', "application/octet-stream"),
        (b'{"name": "another", "extensions": []}', "application/json"),
        (b'{"extensions": 7}', "application/json"),
        (b"<html>", "application/json"),
        (b"[]", "application/json"),
        (b"[" * 100_000, "application/json"),
        (None, "application/json"),
    ],
)
def test_bytes_are_sent_where_they_are_taken(metadata: bytes | None, content_type: str) -> None:
    server = Server(metadata)
    np.testing.assert_allclose(client_of(server).classify(crops(3)).probabilities, [EVEN] * 3, rtol=1e-6)
    assert server.requests[0].headers["content-type"] == content_type


def test_many_crops_go_in_several_requests() -> None:
    server = Server(b'{"extensions": ["binary_tensor_data"]}')
    assert client_of(server).classify(crops(600)).probabilities.shape == (600, 7)
    assert len(server.requests) == 3


def test_crops_of_other_shapes_are_not_sent() -> None:
    server = Server(None)
    mixed = [*crops(2), np.zeros((48, 48, 3), np.uint8), np.zeros((48, 48), np.float32)]
    scored = client_of(server).classify(mixed)  # type: ignore[arg-type]
    assert set(scored.errors) == {2, 3}
    np.testing.assert_allclose(scored.probabilities, [EVEN, EVEN, [0] * 7, [0] * 7], rtol=1e-6)


def test_a_refused_request_is_not_to_be_sent_again() -> None:
    server = Server(None)
    server.answer = Refused("too dark")
    assert client_of(server).classify(crops(2)).errors == dict.fromkeys((0, 1), "too dark")


def answer(**changes: Any) -> Mapping[str, Any]:
    probabilities = {"name": "probabilities", "datatype": "FP32", "shape": [1, 7], "data": EVEN}
    digest = {"name": "digest", "datatype": "UINT8", "shape": [1, 32], "data": [0xAB] * 32}
    return {"outputs": [probabilities | changes.get("probabilities", {}), digest | changes.get("digest", {})]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no message"),
        (b"{}", "list of tensors"),
        (b"[" * 100_000, "no message"),
        (json.dumps({"outputs": answer()["outputs"][:1]}).encode(), "probabilities; probabilities of FP32 and digest"),
        (json.dumps(answer(probabilities={"datatype": "FP64"})).encode(), "FP64"),
        (json.dumps(answer(probabilities={"data": [[1, 2], 3]})).encode(), "no numbers"),
        (json.dumps(answer(probabilities={"data": EVEN * 2})).encode(), "14 values"),
        (json.dumps(answer(probabilities={"shape": [-1, 7]})).encode(), "whole numbers of 0 to"),
        (json.dumps(answer(probabilities={"shape": [7]})).encode(), r"shape \(7,\)"),
        (json.dumps(answer(probabilities={"shape": [0, 10**20, 1]})).encode(), "whole numbers of 0 to"),
        (
            json.dumps(answer(probabilities={"shape": [0, 6_000_000, 6_000_000, 6_000_000], "data": []})).encode(),
            "0 val",
        ),
        (json.dumps(answer(probabilities={"shape": [1] * 65})).encode(), "1 to 4 sides"),
        (json.dumps(answer(probabilities={"data": [10**400]})).encode(), "no numbers"),
        (json.dumps(answer(probabilities={"data": ["1", *EVEN[1:]]})).encode(), "no numbers"),
        (json.dumps(answer(digest={"data": "5"})).encode(), "no numbers"),
        (json.dumps(answer(digest={"data": True})).encode(), "no numbers"),
        (json.dumps(answer(digest={"data": [300] * 32})).encode(), "0 to 255"),
        (json.dumps(answer(digest={"shape": [32]})).encode(), "no digest"),
        (json.dumps(answer(digest={"data": [0xCD] * 32})).encode(), "serves another model, cdcdcdcdcdcd"),
    ],
)
def test_what_the_server_says_is_not_trusted(content: bytes, said: str) -> None:
    server = Server(None)
    client = client_of(server)
    server.answer = Message(content)
    with pytest.raises(ClassifierUnavailable, match=said):
        client.classify(crops(1))
    server.answer = Message(json.dumps(answer()).encode())
    assert client.classify(crops(1)).errors == {}


def test_an_answer_of_two_models_is_of_none() -> None:
    digests = [[0xAB] * 32, [0xCD] * 32]
    changed = answer(probabilities={"shape": [2, 7], "data": [EVEN, EVEN]}, digest={"shape": [2, 32], "data": digests})
    server = Server(None)
    server.answer = Message(json.dumps(changed).encode())
    with pytest.raises(ClassifierUnavailable, match="no digest"):
        client_of(server).classify(crops(2))


def test_a_shape_of_many_long_numbers_is_refused_at_once() -> None:
    """Their product would take minutes."""
    server = Server(None)
    server.answer = Message(json.dumps(answer(probabilities={"shape": [10**4298] * 1390})).encode())
    began = time.monotonic()
    with pytest.raises(ClassifierUnavailable, match="1 to 4 sides"):
        client_of(server).classify(crops(1))
    assert time.monotonic() - began < 5


def test_a_row_that_is_no_probabilities_is_told_of_its_crop_alone() -> None:
    server = Server(None)
    for row in ([float("nan")] * 7, [2.0, *EVEN[1:]], [0] * 7):
        changed = answer(probabilities={"shape": [2, 7], "data": [row, EVEN]}, digest={"shape": [2, 32]})
        changed["outputs"][1]["data"] = [0xAB] * 64
        server.answer = Message(json.dumps(changed).encode())
        scored = client_of(server).classify(crops(2))
        assert scored.errors == {0: "the model gives no probabilities"}
        np.testing.assert_allclose(scored.probabilities, [[0] * 7, EVEN], rtol=1e-6)


def test_a_crop_too_large_for_json_is_not_sent() -> None:
    server = Server(None)
    client = client_of(server, CropSpec(1024, "bgr"))
    scored = client.classify([np.full((1024, 1024, 3), 200, np.uint8)])
    assert not server.requests
    assert "not sent: a message of" in scored.errors[0]


class Loading(BaseHTTPRequestHandler):
    """A server that has no answers yet; then one that takes bytes; its `status` and `extensions` are the test's."""

    status = 503
    extensions: ClassVar[list[str]] = [BINARY]
    sent: ClassVar[list[Mapping[str, str]]] = []

    def do_GET(self) -> None:
        self._answer(json.dumps({"extensions": self.extensions}).encode(), {})

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        self.sent.append(headers)
        asked = decode_request(body, headers.get(HEADER_LENGTH))
        scores = np.tile(np.float32(EVEN), (len(asked.crops), 1))
        answered = encode_response(scores, asked, name="m", version="1", digest=SHA)
        self._answer(answered.content, answered.headers)

    def _answer(self, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(self.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_what_a_server_takes_is_settled_by_its_answer_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a failure while it loads; and anew after one."""
    monkeypatch.setattr(Loading, "sent", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), Loading) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        client = OpenInference(FOLDER, HttpInference(ClassifySettings(kind="open-inference", url=url)))

        def ask(status: int, extensions: list[str]) -> str | None:
            monkeypatch.setattr(Loading, "status", status)
            monkeypatch.setattr(Loading, "extensions", extensions)
            try:
                assert client.classify(crops(1)).errors == {}
            except ClassifierUnavailable:
                return None
            return Loading.sent[-1]["content-type"]

        assert ask(503, [BINARY]) is None
        assert not Loading.sent
        assert ask(200, [BINARY]) == "application/octet-stream"
        assert abs(float(Loading.sent[-1][SENT_AT]) - time.time()) < 60
        assert ask(200, []) == "application/octet-stream"  # known already
        assert ask(503, []) is None
        assert ask(200, []) == "application/json"
        client.close()
        server.shutdown()
