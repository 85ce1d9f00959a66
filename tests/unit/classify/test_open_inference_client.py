"""Open Inference over HTTP with servers of both habits, and with ones that misbehave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from pipeline.classify.classifier import CropSpec
from pipeline.classify.model_folder import ModelFolder
from pipeline.classify.open_inference import OpenInference
from pipeline.classify.open_inference_http import HttpInference
from pipeline.classify.transport import Message, Refused
from pipeline.errors import ClassifierUnavailable
from pipeline.messages import ModelRef
from pipeline.settings import ClassifySettings
from serving.server.open_inference import HEADER_LENGTH, Body, decode_request, encode_response

SHA = "ab" * 32
EVEN = [1 / 7] * 7
FOLDER = ModelFolder(None, ModelRef(name="m", version="1", sha256=SHA), CropSpec(), 0.0)  # type: ignore[arg-type]


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
        return message(encode_response(scores, asked, name="m", version="1", sha256=SHA))

    def close(self) -> None: ...


def message(body: Body) -> Message:
    return Message(body.content, body.headers)


def client_of(server: Server) -> OpenInference:
    infer = HttpInference(ClassifySettings(kind="open-inference"))
    infer.close()
    infer._http = server  # type: ignore[assignment]
    return OpenInference(FOLDER, infer)


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
    assert client_of(server).classify(crops(2)).errors == dict.fromkeys(
        (0, 1), "the model server refuses the request: too dark"
    )


def answer(**changes: Any) -> Mapping[str, Any]:
    probabilities = {"name": "probabilities", "datatype": "FP32", "shape": [1, 7], "data": EVEN}
    sha256 = {"name": "sha256", "datatype": "UINT8", "shape": [1, 32], "data": [0xAB] * 32}
    return {"outputs": [probabilities | changes.get("probabilities", {}), sha256 | changes.get("sha256", {})]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no message"),
        (b"{}", "list of tensors"),
        (b"[" * 100_000, "no message"),
        (json.dumps({"outputs": answer()["outputs"][:1]}).encode(), "probabilities; probabilities of FP32 and sha256"),
        (json.dumps(answer(probabilities={"datatype": "FP64"})).encode(), "FP64"),
        (json.dumps(answer(probabilities={"data": [[1, 2], 3]})).encode(), "no numbers"),
        (json.dumps(answer(probabilities={"data": EVEN * 2})).encode(), "14 values"),
        (json.dumps(answer(probabilities={"shape": [-1, 7]})).encode(), "of shape"),
        (json.dumps(answer(probabilities={"shape": [7]})).encode(), r"shape \(7,\)"),
        (json.dumps(answer(probabilities={"data": [2.0, *EVEN[1:]]})).encode(), "no probabilities"),
        (json.dumps(answer(sha256={"data": [300] * 32})).encode(), "0 to 255"),
        (json.dumps(answer(sha256={"shape": [32]})).encode(), "no sha256"),
        (json.dumps(answer(sha256={"data": [0xCD] * 32})).encode(), "serves weights cdcdcdcdcdcd"),
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
    changed = answer(probabilities={"shape": [2, 7], "data": [EVEN, EVEN]}, sha256={"shape": [2, 32], "data": digests})
    server = Server(None)
    server.answer = Message(json.dumps(changed).encode())
    with pytest.raises(ClassifierUnavailable, match="no sha256"):
        client_of(server).classify(crops(2))
