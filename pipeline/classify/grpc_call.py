"""One gRPC method of a model server, on a connection that stays open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import grpc
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Protobuf

from pipeline.classify.authorities import authorities
from pipeline.classify.transport import ERROR_CHARS
from pipeline.errors import ClassifierUnavailable
from pipeline.traces.asked import header as trace_header
from serving.server.wire import MAX_BYTES

OPTIONS = [
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),  # no proxy stands between the analyzers and the model
    ("grpc.initial_reconnect_backoff_ms", 200),  # a server that comes back is found again within seconds
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.use_local_subchannel_pool", 1),  # a connection of its own for every client
]


class GrpcCall:
    """`method`: as in /package.Service/Method. `answer`: the class of the answers. Several threads may call at once.

    A call that gets no answer in time has the next ones go over a new connection: behind a proxy that has lost the
    server the old one looks well, and stays mute. It is closed after the last call on it.
    """

    def __init__(
        self,
        address: str,
        method: str,
        answer: type[Protobuf],
        *,
        token: str | None = None,
        timeout: float = 20.0,
        ca_file: Path | None = None,
    ) -> None:
        """`ca_file`: with it, over TLS. Raises UsageError where it cannot be read."""
        self._address = address
        self._authorities = authorities(ca_file).encode() if ca_file else None
        self._method = method
        self._timeout = timeout
        self._metadata = [("authorization", f"Bearer {token}")] if token else []
        self._answer = answer
        self._lock = threading.Lock()
        self._closed = False
        self._connection = _Connection(address, method, self._authorities)

    def __call__(self, request: Protobuf) -> Protobuf:
        """Raises ClassifierUnavailable when there is no answer, too late or too large a one."""
        with self._lock:
            connection = self._connection
            connection.calls += 1
        try:
            metadata = [*self._metadata, *trace_header().items()]
            body = connection.call(request.SerializeToString(), timeout=self._timeout, metadata=metadata)
            return self._answer.FromString(body)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                self._replace(connection)
            raise self._ours(error) from None
        except DecodeError:
            raise ClassifierUnavailable("the model server's answer is not one of this protocol") from None
        except ValueError:  # the channel was closed
            raise ClassifierUnavailable("the connection to the model server is closed") from None
        finally:
            with self._lock:
                connection.calls -= 1
                unused = connection is not self._connection and not connection.calls
            if unused:
                connection.channel.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._connection.channel.close()

    def _replace(self, mute: _Connection) -> None:
        """Unless another thread has done it."""
        with self._lock:
            if self._connection is mute and not self._closed:
                self._connection = _Connection(self._address, self._method, self._authorities)

    def _ours(self, error: grpc.RpcError) -> ClassifierUnavailable:
        code, details = error.code(), " ".join(str(error.details()).split())[:ERROR_CHARS]
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return ClassifierUnavailable(f"the model server does not answer within {self._timeout:g} s")
        if code is grpc.StatusCode.UNAVAILABLE:
            return ClassifierUnavailable(f"the model server at {self._address} is not there: {details}")
        return ClassifierUnavailable(f"the model server answers {code.name}: {details}")


class _Connection:
    """`calls`: how many are under way."""

    def __init__(self, address: str, method: str, trusted: bytes | None) -> None:
        if trusted is None:
            self.channel = grpc.insecure_channel(address, OPTIONS)  # not encrypted: the token goes in clear
        else:
            self.channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(trusted), OPTIONS)
        self.call: Callable[..., bytes] = self.channel.unary_unary(method)
        self.calls = 0
