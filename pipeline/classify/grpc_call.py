"""One gRPC method of a model server, on a connection that stays open."""

from __future__ import annotations

from collections.abc import Callable

import grpc
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Protobuf

from pipeline.classify.transport import ERROR_CHARS
from pipeline.errors import ClassifierUnavailable
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
    """`method`: as in /package.Service/Method. Several threads may call at once.

    `answer`: the class of the answers.
    """

    def __init__(
        self, address: str, method: str, answer: type[Protobuf], *, token: str | None = None, timeout: float = 20.0
    ) -> None:
        self._address = address.removeprefix("grpc://")
        self._timeout = timeout
        self._metadata = [("authorization", f"Bearer {token}")] if token else []
        self._answer = answer
        self._channel = grpc.insecure_channel(self._address, OPTIONS)
        self._call: Callable[..., bytes] = self._channel.unary_unary(method)

    def __call__(self, request: Protobuf) -> Protobuf:
        """Raises ClassifierUnavailable when there is no answer, too late or too large a one."""
        try:
            body = self._call(request.SerializeToString(), timeout=self._timeout, metadata=self._metadata)
            return self._answer.FromString(body)
        except grpc.RpcError as error:
            raise self._ours(error) from None
        except DecodeError:
            raise ClassifierUnavailable("the model server's answer is not one of this protocol") from None
        except ValueError:  # the channel was closed
            raise ClassifierUnavailable("the connection to the model server is closed") from None

    def close(self) -> None:
        self._channel.close()

    def _ours(self, error: grpc.RpcError) -> ClassifierUnavailable:
        code, details = error.code(), " ".join(str(error.details()).split())[:ERROR_CHARS]
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return ClassifierUnavailable(f"the model server does not answer within {self._timeout:g} s")
        if code is grpc.StatusCode.UNAVAILABLE:
            return ClassifierUnavailable(f"the model server at {self._address} is not there: {details}")
        return ClassifierUnavailable(f"the model server answers {code.name}: {details}")
