"""The model archive behind a real TorchServe: scores, bad crops, bad bodies, and an unharmed worker."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families

from pipeline.classify.choose import answers
from pipeline.local import archive, java, torchserve
from pipeline.local.folders import new_run
from pipeline.settings import ClassifySettings
from serving.inference.dtypes import fast_dtype
from serving.inference.predictor import Predictor
from serving.model.files import default_model_dir, model_digest
from serving.server import open_inference
from serving.server.measures import CROPS, INFERENCE, MEANING, QUEUE, REQUESTS
from serving.server.wire import CONTENT_TYPE, SENT_AT, ItemError, decode_response, encode_request, response_digest
from tests.unit.serving.serving_examples import NO_REQUESTS

HEADERS = {"content-type": CONTENT_TYPE}
# What another process may change: its own threads and BLAS; bfloat16 rounds at 1 in 256.
ALIKE = 1e-5 if fast_dtype(torch.device("cpu")) == torch.float32 else 1e-2


@dataclass(frozen=True)
class Server:
    """A running TorchServe: its addresses and its log."""

    url: str
    token: str
    metrics: str
    log: Path

    def post(
        self, body: bytes, headers: dict[str, str] | None = None, path: str = "predictions/emonext"
    ) -> httpx.Response:
        every = {"authorization": f"Bearer {self.token}", **(HEADERS if headers is None else headers)}
        return httpx.post(f"{self.url}/{path}", content=body, headers=every, timeout=30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As `--local` starts it."""
    run = new_run(tmp_path_factory.mktemp("runs"))
    settings = ClassifySettings(kind="torchserve", timeout_seconds=60)
    model, golden = archive.of_model(settings), partial(answers, settings)
    started = torchserve.start(java.find(), model, settings, run=run, golden=golden, cancelled=threading.Event())
    try:
        metrics = f"http://127.0.0.1:{started.metrics_port}/metrics"
        yield Server(started.url, started.token, metrics, run.logs / "torchserve.log")
    finally:
        started.stop()
        run.close()


def test_many_crops_score_as_in_process(server: Server) -> None:
    crops = _faces(100)
    response = server.post(encode_request(crops), {**HEADERS, SENT_AT: str(time.time())})
    assert response.status_code == 200
    assert response.headers["content-type"] == CONTENT_TYPE
    assert response_digest(response.content) == model_digest(default_model_dir())
    scores = decode_response(response.content)
    np.testing.assert_allclose(scores, Predictor(default_model_dir()).predict(crops), atol=ALIKE)


def test_colour_and_sizes_mix_in_one_request(server: Server) -> None:
    crops = [_faces(1, 48)[0], _faces(1, 90)[0], np.repeat(_faces(1, 60)[0][..., None], 3, 2)]
    scores = decode_response(server.post(encode_request(crops)).content)
    np.testing.assert_allclose(scores, Predictor(default_model_dir()).predict(crops), atol=ALIKE)


def test_a_bad_crop_is_an_error_in_its_place(server: Server) -> None:
    body = bytearray(encode_request(_faces(3)))
    first = 12
    second = first + 12 + 48 * 48
    body[second + 8] = 2  # channels
    scores = decode_response(server.post(bytes(body)).content)
    assert isinstance(scores[1], ItemError)
    assert "2 channels" in scores[1].message
    expected = Predictor(default_model_dir()).predict([_faces(3)[0], _faces(3)[2]])
    np.testing.assert_allclose([scores[0], scores[2]], expected, atol=ALIKE)


@pytest.mark.parametrize("body", [b"", b"garbage", encode_request([])[:-1], os.urandom(5000)])
def test_a_body_that_is_no_request_is_422(server: Server, body: bytes) -> None:
    response = server.post(body)
    assert response.status_code == 422
    assert response.json()["error"]


def test_json_is_refused_as_bytes_are_expected(server: Server) -> None:
    response = server.post(b'{"a": 1}', {"content-type": "application/json"})
    assert response.status_code == 422


@pytest.mark.parametrize("headers", [HEADERS, {"content-type": "application/json"}])
def test_an_oversized_body_is_refused(server: Server, headers: dict[str, str]) -> None:
    with contextlib.suppress(httpx.TransportError):  # closed while the body was still on its way
        assert server.post(b" " * 7_000_000, headers).status_code == 413
    assert server.post(encode_request(_faces(1))).status_code == 200


def test_bad_requests_do_not_spoil_those_batched_with_them(server: Server) -> None:
    good = encode_request(_faces(2))
    bodies = [body for bad in (b"garbage", *NO_REQUESTS) for body in (good, bad, good)]
    with ThreadPoolExecutor(16) as pool:
        statuses = [answer.status_code for answer in pool.map(server.post, bodies)]
    assert statuses == [200, 422, 200] * (1 + len(NO_REQUESTS))
    assert torchserve.WORKER_ENDED not in server.log.read_text()


def test_forms_may_say_anything_of_the_time_they_were_sent(server: Server) -> None:
    parts = {"body": (None, encode_request(_faces(1)), CONTENT_TYPE), SENT_AT: (None, "1" * 400, "application/json")}
    with ThreadPoolExecutor(2) as pool:
        beside = pool.submit(server.post, encode_request(_faces(2)))
        authorization = {"authorization": f"Bearer {server.token}"}
        answer = httpx.post(f"{server.url}/predictions/emonext", files=parts, headers=authorization, timeout=30)
    assert (answer.status_code, beside.result().status_code) == (200, 200)


def test_open_inference_is_served_with_json_and_with_bytes(server: Server) -> None:
    crops = np.stack(_faces(5))
    expected = Predictor(default_model_dir()).predict(crops)
    path = "v2/models/emonext/infer"
    for binary in (False, True):
        body = open_inference.encode_request(open_inference.Request(crops, binary=binary))
        response = server.post(body.content, body.headers, path)
        assert response.status_code == 200
        head = response.headers.get(open_inference.HEADER_LENGTH)
        assert (head is not None) == binary
        scores, digest = open_inference.decode_response(response.content, head)
        np.testing.assert_allclose(scores, expected, atol=ALIKE)
        assert digest == model_digest(default_model_dir())
    assert server.post(b'{"inputs": []}', {"content-type": "application/json"}, path).status_code == 422


def test_the_metrics_page_tells_queue_time_and_batches(server: Server) -> None:
    server.post(encode_request(_faces(1)), {**HEADERS, SENT_AT: str(time.time())})
    before = _metrics(server)
    server.post(encode_request(_faces(5)), {**HEADERS, SENT_AT: str(time.time() - 0.5)})
    server.post(encode_request(_faces(3)))
    deadline = time.monotonic() + 10
    while (after := _metrics(server)).get(f"{CROPS}_sum", 0) < before.get(f"{CROPS}_sum", 0) + 8:
        assert time.monotonic() < deadline, "the metrics page does not show the crops"
        time.sleep(0.2)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown(f"{CROPS}_sum") == 8
    assert grown(f"{REQUESTS}_sum") == 2
    assert 1 <= grown(f"{REQUESTS}_count") == grown(f"{CROPS}_count") == grown(f"{INFERENCE}_count") <= 2
    assert grown(f"{INFERENCE}_sum") > 0
    assert grown(f"{QUEUE}_count") == 1
    assert grown(f"{QUEUE}_sum") >= 0.5
    assert {name.removesuffix("_sum") for name in after if name.endswith("_sum")} == set(MEANING)


def _metrics(server: Server) -> dict[str, float]:
    """The handler's metrics on TorchServe's page, buckets aside."""
    text = httpx.get(server.metrics, timeout=30).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.name: sample.value for sample in samples if sample.name.startswith("emostream_")}


def _faces(n: int, side: int = 48) -> list[NDArray[np.uint8]]:
    """The same n pictures at every call."""
    noise = np.random.default_rng(0).integers(0, 256, (n, side, side))
    return list(noise.astype(np.uint8))
