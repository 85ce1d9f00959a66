"""TLS to a model server: real servers of gRPC and HTTPS, trusted and not."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from pipeline.classify.grpc_call import GrpcCall
from pipeline.classify.http import Http
from pipeline.classify.transport import Message
from pipeline.errors import ClassifierUnavailable, UsageError
from tests.certificates import Authority, Issued

LOOPBACK = "127.0.0.1"
METHOD = "/emostream.test.Model/Predict"


class Echo(grpc.GenericRpcHandler):
    """Answers what it is asked, with the token before it."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        token = dict(details.invocation_metadata)["authorization"]
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: BytesValue(
                value=token.encode() + b": " + BytesValue.FromString(request).value
            ).SerializeToString()
        )


@contextmanager
def grpc_server(own: Issued) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(2), handlers=[Echo()])
    credentials = grpc.ssl_server_credentials([(own.key.read_bytes(), own.certificate.read_bytes())])
    port = server.add_secure_port(f"{LOOPBACK}:0", credentials)
    server.start()
    try:
        yield f"{LOOPBACK}:{port}"
    finally:
        server.stop(0).wait()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.headers["Authorization"].encode() + b": " + self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *told: object) -> None:
        pass


@contextmanager
def https_server(own: Issued) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "site")


def over_grpc(address: str, ca_file: Path | None) -> bytes:
    call = GrpcCall(address, METHOD, BytesValue, token="opens", timeout=5, ca_file=ca_file)
    try:
        return bytes(call(BytesValue(value=b"crops")).value)  # type: ignore[attr-defined]
    finally:
        call.close()


def over_https(address: str, ca_file: Path | None) -> bytes:
    call = Http(address, "/predictions/emonext", token="opens", timeout=5, ca_file=ca_file)
    try:
        return call(Message(b"crops")).body
    finally:
        call.close()


@pytest.mark.parametrize(("server", "ask"), [(grpc_server, over_grpc), (https_server, over_https)])
def test_crops_go_over_tls_to_the_server_that_is_meant(server, ask, authority: Authority, tmp_path: Path) -> None:
    with server(authority.issue("model", LOOPBACK)) as address:
        assert ask(address, authority.file) == b"Bearer opens: crops"
        for ca_file in (Authority(tmp_path, "stranger").file, None):
            with pytest.raises(ClassifierUnavailable, match=r"is not there|does not answer"):
                ask(address, ca_file)
    with server(authority.issue("elsewhere.example")) as address, pytest.raises(ClassifierUnavailable):
        ask(address, authority.file)


@pytest.mark.parametrize("ask", [over_grpc, over_https])
def test_a_file_of_no_authorities_is_named(ask, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no certificate")
    for file in (text, tmp_path / "nowhere"):
        with pytest.raises(UsageError, match=rf"classify\.ca_file: .*{file.name} cannot be read"):
            ask("https://127.0.0.1:9", file)
