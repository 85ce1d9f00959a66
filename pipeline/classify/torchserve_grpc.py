"""TorchServe's own gRPC API: https://github.com/pytorch/serve, proto/inference.proto."""

from __future__ import annotations

import json
from typing import Any, cast

from pipeline.classify.grpc_call import GrpcCall
from pipeline.classify.http import REFUSED
from pipeline.classify.protobuf import Field, build
from pipeline.classify.transport import ERROR_CHARS, Message, Refused
from pipeline.errors import ClassifierUnavailable
from serving.server.wire import MAGIC

PACKAGE = "org.pytorch.serve.grpc.inference"
METHOD = f"/{PACKAGE}.InferenceAPIsService/Predictions"
BODY = "body"  # the input that the handler reads; HTTP's body has this name there as well

_MESSAGES = build(
    PACKAGE,
    {
        "PredictionsRequest": {"model_name": Field(1, "string"), "input": Field(3, "bytes", keyed=True)},
        "PredictionResponse": {"prediction": Field(1, "bytes")},
    },
)


class TorchServeGrpc:
    """See Transport. Headers travel as further inputs: TorchServe hands a call's metadata to no handler."""

    def __init__(self, address: str, model_name: str, *, token: str | None = None, timeout: float = 20.0) -> None:
        self._name = model_name
        answer = _MESSAGES["PredictionResponse"]
        self._call = GrpcCall(address, METHOD, answer, token=token, timeout=timeout)

    def __call__(self, request: Message) -> Message:
        inputs = {name: value.encode() for name, value in request.headers.items()}
        call = _MESSAGES["PredictionsRequest"](model_name=self._name, input={**inputs, BODY: request.body})
        body: bytes = cast(Any, self._call(call)).prediction
        if not body.startswith(MAGIC):
            _raise_error(body)
        return Message(body)

    def close(self) -> None:
        self._call.close()


def _raise_error(body: bytes) -> None:
    """TorchServe drops the status that a handler gives; emostream's says it in the text as well."""
    try:
        content = json.loads(body)
        status, text = int(content["status"]), str(content["error"])[:ERROR_CHARS]
    except (ValueError, KeyError, TypeError):
        return  # no error of the handler's, nor an answer: the reader of answers says so
    if status in REFUSED:
        raise Refused(text)
    raise ClassifierUnavailable(f"the model server answers {status}: {text}")
