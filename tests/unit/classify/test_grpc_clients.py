"""The gRPC clients against a stand-in that misbehaves; the real servers are in tests/contract."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import pytest

from pipeline.classify import open_inference_grpc, torchserve_grpc
from pipeline.classify.classifier import Classifier, CropSpec
from pipeline.classify.model_folder import Expected
from pipeline.classify.open_inference import OpenInference
from pipeline.classify.open_inference_grpc import GrpcInference
from pipeline.classify.torchserve import TorchServe
from pipeline.classify.torchserve_grpc import TorchServeGrpc
from pipeline.errors import ClassifierUnavailable
from pipeline.messages import ModelRef
from pipeline.settings import ClassifySettings
from serving.server.wire import SENT_AT, decode_request, encode_response

SHA = "ab" * 32
EVEN = np.full(7, 1 / 7, np.float32)
CROPS = [np.zeros((48, 48), np.uint8)] * 3
Predict: Any = torchserve_grpc._MESSAGES
Infer: Any = open_inference_grpc._MESSAGES


class StandIn(grpc.GenericRpcHandler):
    """Answers every method with `answer`; keeps what was asked last."""

    def __init__(self, port: int = 0) -> None:
        self.answer: Callable[[bytes], bytes] = lambda request: b""
        self.method = ""
        self.metadata: dict[str, str] = {}
        self._server = grpc.server(ThreadPoolExecutor(4), [self])
        self.address = f"127.0.0.1:{self._server.add_insecure_port(f'127.0.0.1:{port}')}"
        self._server.start()

    def service(self, details: Any) -> Any:
        self.method, self.metadata = details.method, dict(details.invocation_metadata)
        return grpc.unary_unary_rpc_method_handler(self._respond)

    def stop(self) -> None:
        self._server.stop(0).wait()

    def _respond(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            return self.answer(request)
        except PermissionError:
            context.abort(grpc.StatusCode.CANCELLED, "no token")
            raise


@pytest.fixture
def server() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.stop()


FOLDER = Expected(ModelRef(name="m", version="1", sha256=SHA), CropSpec(), 0.0, SHA)


def torchserve(server: StandIn, timeout: float = 5) -> TorchServe:
    return TorchServe(FOLDER, TorchServeGrpc(server.address, "emonext", "1", token="secret", timeout=timeout))


def open_inference(server: StandIn, timeout: float = 5) -> OpenInference:
    settings = ClassifySettings(kind="open-inference-grpc", url=server.address, timeout_seconds=timeout)
    return OpenInference(FOLDER, GrpcInference(settings))


def predicted(request: bytes) -> bytes:
    asked = Predict["PredictionsRequest"].FromString(request)
    rows = [EVEN] * len(decode_request(asked.input["body"]))
    answer: bytes = Predict["PredictionResponse"](prediction=encode_response(rows, SHA)).SerializeToString()
    return answer


def inferred(n: int, rows: Any = None, digest: str = SHA, **changes: Any) -> bytes:
    """An answer for n crops, with the given rows instead of even ones."""
    scores = np.array([EVEN] * n if rows is None else rows, np.float32)
    digests = np.tile(np.frombuffer(bytes.fromhex(digest), np.uint8), (n, 1))
    tensors = [
        Infer["Tensor"](name="probabilities", datatype="FP32", shape=changes.get("shape", scores.shape)),
        Infer["Tensor"](name="digest", datatype="UINT8", shape=digests.shape),
    ]
    raw = [scores.tobytes(), digests.tobytes()]
    if changes.get("twice"):
        tensors, raw = [*tensors, tensors[0]], [*raw, raw[0]]
    n_tensors = changes.get("tensors", len(tensors))
    answer = Infer["ModelInferResponse"](outputs=tensors[:n_tensors], raw_output_contents=raw[:n_tensors])
    body: bytes = answer.SerializeToString()
    return body


def test_torchserve_is_asked_as_its_api_wants(server: StandIn) -> None:
    asked: list[Any] = []
    server.answer = lambda request: (
        asked.append(Predict["PredictionsRequest"].FromString(request)),
        predicted(request),
    )[1]
    client = torchserve(server)
    np.testing.assert_array_equal(client.classify(CROPS).probabilities, [EVEN] * 3)
    assert server.method == "/org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions"
    assert server.metadata["authorization"] == "Bearer secret"
    assert asked[0].model_name == "emonext"
    assert set(asked[0].input) == {"body", SENT_AT}
    assert abs(float(asked[0].input[SENT_AT]) - time.time()) < 60
    client.close()


def test_a_request_that_the_handler_refuses_is_not_to_be_sent_again(server: StandIn) -> None:
    body = json.dumps({"error": "upside down", "status": 422}).encode()
    server.answer = lambda request: Predict["PredictionResponse"](prediction=body).SerializeToString()
    client = torchserve(server)
    scored = client.classify(CROPS)
    assert set(scored.errors) == {0, 1, 2}
    assert "upside down" in scored.errors[0]
    client.close()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "inference failed", "status": 500}', "answers 500: inference failed"),
        (b'{"status": "odd"}', "not one of emostream's"),
        (b'{"error": "x", "status": Infinity}', "not one of emostream's"),
        (b"[" * 100_000, "not one of emostream's"),
        (b"", "empty response"),
        (b"<html>", "not one of emostream's"),
        (encode_response([EVEN] * 2, SHA), "for 2 crops, 3 were asked"),
        (encode_response([EVEN] * 3, "cd" * 32), "serves another model, cdcdcdcdcdcd"),
    ],
)
def test_what_torchserve_says_is_not_trusted(server: StandIn, body: bytes, said: str) -> None:
    server.answer = lambda request: Predict["PredictionResponse"](prediction=body).SerializeToString()
    client = torchserve(server)
    with pytest.raises(ClassifierUnavailable, match=said):
        client.classify(CROPS)
    server.answer = predicted
    assert client.classify(CROPS).errors == {}
    client.close()


def test_an_open_inference_server_is_asked_with_raw_tensors(server: StandIn) -> None:
    asked: list[Any] = []
    server.answer = lambda request: (asked.append(Infer["ModelInferRequest"].FromString(request)), inferred(3))[1]
    client = open_inference(server)
    np.testing.assert_array_equal(client.classify(CROPS).probabilities, [EVEN] * 3)
    assert server.method == "/inference.GRPCInferenceService/ModelInfer"
    (tensor,) = asked[0].inputs
    assert (tensor.name, tensor.datatype, list(tensor.shape)) == ("crops", "UINT8", [3, 48, 48])
    assert asked[0].raw_input_contents[0] == bytes(3 * 48 * 48)
    client.close()


def test_typed_contents_do_as_well_as_raw_ones(server: StandIn) -> None:
    def answer(number: int) -> bytes:
        outputs = [
            Infer["Tensor"](name="digest", datatype="UINT8", shape=[1, 32], contents={"uint_contents": [number] * 32}),
            Infer["Tensor"](name="probabilities", datatype="FP32", shape=[1, 7], contents={"fp32_contents": EVEN}),
        ]
        body: bytes = Infer["ModelInferResponse"](outputs=outputs).SerializeToString()
        return body

    server.answer = lambda request: answer(0xAB)
    client = open_inference(server)
    np.testing.assert_allclose(client.classify(CROPS[:1]).probabilities, [EVEN])
    server.answer = lambda request: answer(256 + 0xAB)
    with pytest.raises(ClassifierUnavailable, match="0 to 255"):
        client.classify(CROPS[:1])
    client.close()


@pytest.mark.parametrize("row", [[np.nan] * 7, [2, 0, 0, 0, 0, 0, 0], [0] * 7])
def test_a_row_that_is_no_probabilities_is_told_of_its_crop_alone(server: StandIn, row: list[float]) -> None:
    server.answer = lambda request: inferred(3, rows=[EVEN, row, EVEN])
    client = open_inference(server)
    scored = client.classify(CROPS)
    assert scored.errors == {1: "the model gives no probabilities"}
    np.testing.assert_array_equal(scored.probabilities, [EVEN, np.zeros(7), EVEN])
    client.close()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "outputs are not"),
        (b"\xff\xff\xff", "not one of this protocol"),
        (inferred(3, tensors=1), "outputs are not"),
        (inferred(3, shape=[3, 8]), "21 values for a tensor of shape"),
        (inferred(3, shape=[21]), r"shape \(21,\)"),
        (inferred(3, shape=[1] * 65), "1 to 4 sides"),
        (inferred(3, rows=[], shape=[0, 2**62, 2**62]), "whole numbers of 0 to"),
        (inferred(3, twice=True), "outputs are not"),
        (inferred(2), "for 2 crops, 3 were asked"),
        (inferred(3, digest="cd" * 32), "serves another model, cdcdcdcdcdcd"),
    ],
)
def test_what_an_open_inference_server_says_is_not_trusted(server: StandIn, body: bytes, said: str) -> None:
    server.answer = lambda request: body
    client = open_inference(server)
    with pytest.raises(ClassifierUnavailable, match=said):
        client.classify(CROPS)
    server.answer = lambda request: inferred(3)
    assert client.classify(CROPS).errors == {}
    client.close()


@pytest.mark.parametrize("make", [torchserve, open_inference])
def test_too_slow_too_large_and_refused_callers(server: StandIn, make: Callable[..., Classifier]) -> None:
    client, let_go = make(server, timeout=0.5), threading.Event()
    server.answer = lambda request: (let_go.wait(5), b"")[1]  # type: ignore[return-value]
    with pytest.raises(ClassifierUnavailable, match=r"within 0\.5 s"):
        client.classify(CROPS)
    let_go.set()
    client.close()
    client = make(server)
    server.answer = lambda request: bytes(7_000_000)
    with pytest.raises(ClassifierUnavailable, match="answers RESOURCE_EXHAUSTED"):
        client.classify(CROPS)

    def deny(request: bytes) -> bytes:
        raise PermissionError

    server.answer = deny
    with pytest.raises(ClassifierUnavailable, match="answers CANCELLED: no token"):
        client.classify(CROPS)
    client.close()


def test_a_server_that_comes_back_is_found_again() -> None:
    server = StandIn()
    server.answer = lambda request: inferred(3)
    client = open_inference(server)
    assert client.classify(CROPS).errors == {}
    server.stop()
    with pytest.raises(ClassifierUnavailable, match="is not there"):
        client.classify(CROPS)
    again = StandIn(int(server.address.rpartition(":")[2]))
    again.answer = server.answer
    deadline = time.monotonic() + 20
    while True:
        try:
            assert client.classify(CROPS).errors == {}
            break
        except ClassifierUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    client.close()
    again.stop()


class FreezingProxy:
    """Passes bytes on to `port`; connections that were there at `freeze` stay open and pass no more."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._frozen: list[threading.Event] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        for frozen in self._frozen:
            frozen.set()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.accepted += 1
                server = socket.create_connection(("127.0.0.1", self._port))
                frozen = threading.Event()
                self._frozen.append(frozen)
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(one, other, frozen), daemon=True).start()

    @staticmethod
    def _pass(one: socket.socket, other: socket.socket, frozen: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if not frozen.is_set():
                    other.sendall(data)
            if not frozen.is_set():
                other.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("make", [torchserve, open_inference])
def test_a_connection_that_stays_mute_is_replaced_once(server: StandIn, make: Callable[..., Classifier]) -> None:
    server.answer = predicted if make is torchserve else lambda request: inferred(3)
    proxy = FreezingProxy(int(server.address.rpartition(":")[2]))
    direct, server.address = server.address, proxy.address
    client = make(server, timeout=2)
    server.address = direct
    assert client.classify(CROPS).errors == {}
    assert proxy.accepted == 1
    proxy.freeze()

    def ask(_: int) -> str:
        try:
            return str(client.classify(CROPS).errors)
        except ClassifierUnavailable as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(ask, range(4))) == {"the model server does not answer within 2 s"}
        assert set(pool.map(ask, range(4))) == {"{}"}
    assert proxy.accepted == 2
    client.close()
    with pytest.raises(ClassifierUnavailable, match="closed"):
        client.classify(CROPS)
    proxy.close()


def test_a_slow_call_does_not_end_those_beside_it(server: StandIn) -> None:
    """The connection on which one call was too late is closed after the others on it."""
    let_go, calls = threading.Event(), iter(range(9))

    def answer(request: bytes) -> bytes:
        if next(calls) == 0:
            let_go.wait(5)
        else:
            time.sleep(0.7)  # begins later, and ends after the other's deadline
        return inferred(3)

    server.answer = answer
    client = open_inference(server, timeout=1)
    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(client.classify, CROPS)
        time.sleep(0.5)
        beside = pool.submit(client.classify, CROPS)
        assert isinstance(late.exception(), ClassifierUnavailable)
        assert beside.result().errors == {}
    let_go.set()
    client.close()
