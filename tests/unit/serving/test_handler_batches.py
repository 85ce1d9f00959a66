"""The TorchServe handler with a stand-in for TorchServe's context; the real one is an integration test."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from serving.inference.predictor import Predictor
from serving.model.folder import read_info
from serving.server import open_inference
from serving.server.handler import SENT_AT, Handler
from serving.server.measures import CROPS, INFERENCE, QUEUE, REQUESTS
from serving.server.wire import CONTENT_TYPE, decode_response, encode_request
from tests.unit.serving.serving_examples import faces


class Metrics:
    """Remembers what was measured, by name."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}

    def add_metric(self, name: str, value: float, unit: str, *, metric_type: object) -> None:
        self.found[name] = value


class Context:
    """As much of ts.context.Context as the handler uses."""

    def __init__(self, model_dir: Path, headers: dict[str, str] | None = None) -> None:
        self.system_properties = {"model_dir": str(model_dir), "gpu_id": None}
        self.model_yaml_config = {"handler": {"threads": torch.get_num_threads(), "crops_per_pass": 4}}
        self.metrics = Metrics()
        self.headers = headers or {}
        self.status: dict[int, int] = {}
        self.types: dict[int, str] = {}
        self.answered: dict[int, dict[str, str]] = {}

    def get_request_header(self, index: int, key: str) -> str | None:
        return self.headers.get(key)

    def set_response_status(self, code: int, phrase: str, index: int) -> None:
        self.status[index] = code

    def set_response_header(self, index: int, key: str, value: str) -> None:
        self.answered.setdefault(index, {})[key] = value

    def set_response_content_type(self, index: int, value: str) -> None:
        self.types[index] = value


@pytest.fixture
def handler(model_dir: Path) -> Handler:
    (model_dir.parent / "model").is_symlink() or (model_dir.parent / "model").symlink_to(model_dir)
    found = Handler()
    found.initialize(Context(model_dir.parent))
    return found


def test_requests_are_answered_in_order_whatever_lies_between(handler: Handler, model_dir: Path) -> None:
    first, second = list(faces(5)), list(faces(3, seed=1))
    bodies: list[dict[str, Any]] = [
        {"body": bytearray(encode_request(first))},
        {"body": b"garbage"},
        {},
        {"body": {"json": 1}},
        {"data": encode_request(second)},
        {"body": encode_request([])},
    ]
    context = Context(model_dir, {SENT_AT: "0"})
    answers = handler.handle(bodies, context)
    assert context.status == {1: 422, 2: 422, 3: 422}
    assert context.types[0] == CONTENT_TYPE
    assert context.types[1] == "application/json"
    predictor = Predictor(model_dir)
    for answer, crops in ((answers[0], first), (answers[4], second)):
        assert isinstance(answer, bytes)
        np.testing.assert_allclose(decode_response(answer), predictor.predict(crops), atol=1e-5)
    assert isinstance(answers[5], bytes)
    assert decode_response(answers[5]) == []
    assert "empty" in json.loads(answers[2])["error"]
    assert context.metrics.found[CROPS] == 8
    assert context.metrics.found[REQUESTS] == 6
    assert context.metrics.found[INFERENCE] > 0
    assert QUEUE not in context.metrics.found  # sent in 1970: the clocks do not agree


@pytest.mark.parametrize("binary", [True, False])
def test_open_inference_is_answered_beside_our_own_format(handler: Handler, model_dir: Path, binary: bool) -> None:
    crops = np.stack(list(faces(3)))
    body = open_inference.encode_request(open_inference.Request(crops, id="7", binary=binary))
    context = Context(model_dir, {name.title(): value for name, value in body.headers.items()})
    own = encode_request(list(crops))
    asked: list[dict[str, Any]] = [{"body": bytearray(body.content)}, {"body": own}]
    if not binary:
        asked.append({"body": json.loads(body.content)})  # as TorchServe hands on application/json
    answers = handler.handle(asked, context)
    assert context.status == {}
    expected = decode_response(answers[1])
    for index in (0, *range(2, len(asked))):
        answer = answers[index]
        assert isinstance(answer, bytes)
        head = context.answered[index].get(open_inference.HEADER_LENGTH)
        assert (head is not None) == binary
        scores, sha256 = open_inference.decode_response(answer, head)
        np.testing.assert_allclose(scores, expected, atol=1e-6)
        assert sha256 == read_info(model_dir).sha256
        assert json.loads(answer[: int(head) if head else None])["id"] == "7"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"inputs": []}',
        b'{"inputs": [{"name": "crops", "datatype": "UINT8", "shape": [1, 2, 2], "data": [1, 2, 3]}]}',
        b'{"inputs": [{"name": "crops", "datatype": "UINT8", "shape": [1, 2, 2], "data": [1, 2, 3, 256]}]}',
        b'{"inputs": [{"name": "crops", "datatype": "UINT8", "shape": [4], "data": [1, 2, 3, 4]}]}',
        b'{"inputs": [{"name": "crops", "datatype": "UINT8", "shape": [1, 1, 2, 2], "data": [1, 2, 3, 4]}]}',
        b'{"inputs": [{"name": "crops", "datatype": "FP32", "shape": [1, 2, 2], "data": [1, 2, 3, 4]}]}',
    ],
)
def test_what_is_no_open_inference_is_422(handler: Handler, model_dir: Path, body: bytes) -> None:
    context = Context(model_dir)
    (answer,) = handler.handle([{"body": body}], context)
    assert context.status == {0: 422}
    assert json.loads(answer)["status"] == 422


def test_over_grpc_headers_are_inputs(handler: Handler, model_dir: Path) -> None:
    context = Context(model_dir)
    sent = f"{time.time() - 2:.6f}".encode()
    handler.handle([{"body": encode_request(list(faces(1))), SENT_AT: bytearray(sent)}], context)
    assert 2 <= context.metrics.found[QUEUE] < 60


def test_a_failing_model_is_500_and_no_exception(
    handler: Handler, model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(items: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(handler.predictor, "predict_each", fail)
    context = Context(model_dir)
    answers = handler.handle([{"body": encode_request(list(faces(1)))}, {"body": b"x"}], context)
    assert context.status == {0: 500, 1: 422}
    assert "inference failed" in json.loads(answers[0])["error"]


def test_handle_needs_a_model(model_dir: Path) -> None:
    with pytest.raises(RuntimeError, match="before initialize"):
        Handler().handle([], Context(model_dir))
