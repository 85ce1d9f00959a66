"""The TorchServe handler with a stand-in for TorchServe's context; the real one is an integration test."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from serving.inference.predictor import Predictor
from serving.model.files import model_digest
from serving.server import asked as asked_module
from serving.server import open_inference
from serving.server.handler import Handler
from serving.server.measures import CROPS, INFERENCE, QUEUE, REQUESTS
from serving.server.wire import (
    CONTENT_TYPE,
    SENT_AT,
    ItemError,
    decode_description,
    decode_response,
    encode_question,
    encode_request,
)
from tests.unit.serving.serving_examples import NO_REQUESTS, faces


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
        self.answered: dict[int, dict[str, str]] = {}

    def get_all_request_header(self, index: int) -> dict[str, str]:
        return self.headers

    def set_response_status(self, code: int, phrase: str, index: int) -> None:
        self.status[index] = code

    def set_response_header(self, index: int, key: str, value: str) -> None:
        self.answered.setdefault(index, {})[key] = value


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
        {"body": encode_request(second)},
        {"body": encode_request([])},
    ]
    context = Context(model_dir, {SENT_AT: "0"})
    answers = handler.handle(bodies, context)
    assert context.status == {1: 422, 2: 422, 3: 422}
    assert context.answered[0]["content-type"] == CONTENT_TYPE
    assert context.answered[1]["content-type"] == "application/json"
    predictor = Predictor(model_dir)
    for answer, crops in ((answers[0], first), (answers[4], second)):
        assert isinstance(answer, bytes)
        np.testing.assert_allclose(decode_response(answer), predictor.predict(crops), atol=1e-5)
    assert isinstance(answers[5], bytes)
    assert decode_response(answers[5]) == []
    assert "empty" in json.loads(answers[2])["error"]
    assert context.metrics.found[CROPS] == 8
    assert context.metrics.found[REQUESTS] == 3  # those that are refused do not count
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
        scores, digest = open_inference.decode_response(answer, head)
        np.testing.assert_allclose(scores, expected, atol=1e-6)
        assert digest == model_digest(model_dir)
        assert json.loads(answer[: int(head) if head else None])["id"] == "7"


def test_what_is_no_open_inference_is_422_and_spoils_no_other(handler: Handler, model_dir: Path) -> None:
    """All in one batch, each between requests that are good."""
    good = {"body": encode_request(list(faces(2)))}
    asked = [each for body in NO_REQUESTS for each in (good, {"body": body})]
    asked += [good, {"body": good["body"], SENT_AT: 10**400}, {"body": {"inputs": []}, SENT_AT: [1]}]
    context = Context(model_dir)
    answers = handler.handle(asked, context)
    assert context.status == {**dict.fromkeys(range(1, 2 * len(NO_REQUESTS), 2), 422), len(asked) - 1: 422}
    expected = Predictor(model_dir).predict(faces(2))
    for index, answer in enumerate(answers):
        if index in context.status:
            assert json.loads(answer)["status"] == 422
        else:
            assert isinstance(answer, bytes)
            np.testing.assert_allclose(decode_response(answer), expected, atol=1e-5)


def test_a_request_that_breaks_the_reader_is_its_own_500(
    handler: Handler, model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **named: object) -> None:
        raise MemoryError

    crops = np.stack(list(faces(2)))
    tensor = {"body": open_inference.encode_request(open_inference.Request(crops)).content}
    own = {"body": encode_request(list(crops))}
    for name in ("decode_request", "encode_response"):
        with monkeypatch.context() as patched:
            patched.setattr(open_inference, name, fail)
            context = Context(model_dir)
            answers = handler.handle([own, tensor, own], context)
        assert context.status == {1: 500}
        assert isinstance(answers[2], bytes)
        assert len(decode_response(answers[2])) == 2


def test_metrics_that_fail_spoil_no_answer(handler: Handler, model_dir: Path) -> None:
    context = Context(model_dir)
    context.metrics = object()  # type: ignore[assignment]
    (answer,) = handler.handle([{"body": encode_request(list(faces(1)))}], context)
    assert isinstance(answer, bytes)
    assert context.status == {}


def test_a_crop_without_finite_scores_is_told_alone(
    handler: Handler, model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = handler.predictor
    assert predictor is not None
    known = predictor.predict(faces(3))
    known[1] = np.nan
    monkeypatch.setattr(predictor, "predict", lambda crops: known[: len(crops)])
    context = Context(model_dir)
    (own,) = handler.handle([{"body": encode_request(list(faces(3)))}], context)
    assert isinstance(own, bytes)
    first, none, last = decode_response(own)
    assert none == ItemError("the model gives no probabilities")
    np.testing.assert_array_equal([first, last], known[[0, 2]])
    body = open_inference.encode_request(open_inference.Request(np.stack(list(faces(3)))))
    (answer,) = handler.handle([{"body": body.content}], context)
    assert isinstance(answer, bytes)
    scores, _ = open_inference.decode_response(answer, None)
    assert (scores[1] == 0).all()  # no probabilities: they do not add up to 1
    np.testing.assert_allclose(scores[[0, 2]], known[[0, 2]], atol=1e-6)
    assert context.status == {}


@pytest.mark.parametrize("name", ["x-emostream-sent", "X-Emostream-Sent", "X-EMOSTREAM-SENT"])
def test_headers_may_be_written_in_any_way(handler: Handler, model_dir: Path, name: str) -> None:
    context = Context(model_dir, {name: f"{time.time() - 2:.6f}"})
    handler.handle([{"body": encode_request(list(faces(1)))}], context)
    assert 2 <= context.metrics.found[QUEUE] < 60


def test_inference_is_the_time_of_the_model_alone(
    handler: Handler, model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(crops: list[np.ndarray], digest: str) -> bytes:
        time.sleep(0.5)
        return b""

    monkeypatch.setattr(asked_module, "encode_response", slowly)
    context = Context(model_dir)
    handler.handle([{"body": encode_request([])}], context)
    assert context.metrics.found[INFERENCE] < 0.4


def test_over_grpc_headers_are_inputs(handler: Handler, model_dir: Path) -> None:
    context = Context(model_dir)
    sent = f"{time.time() - 2:.6f}".encode()
    body = open_inference.encode_request(open_inference.Request(np.stack(list(faces(1))), binary=True))
    head = bytearray(str(body.head).encode())
    handler.handle([{"body": body.content, SENT_AT: bytearray(sent), open_inference.HEADER_LENGTH: head}], context)
    assert context.status == {}
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


def test_it_tells_what_model_it_is(handler: Handler, model_dir: Path) -> None:
    """Beside requests of others, whose crops are read as ever."""
    crops = faces(2)
    told, scored = handler.handle([{"body": encode_question()}, {"body": encode_request(crops)}], Context(model_dir))
    assert isinstance(told, bytes)
    description = json.loads(decode_description(told))
    assert description["digest"] == model_digest(model_dir)
    assert (description["size"], description["color"], len(description["labels"])) == (48, "gray", 7)
    assert len(decode_response(scored)) == 2
