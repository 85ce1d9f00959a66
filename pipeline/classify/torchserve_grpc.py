"""TorchServe's own gRPC API: https://github.com/pytorch/serve, proto/inference.proto."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from pipeline.classify.grpc_call import GrpcCall
from pipeline.classify.http import REFUSED
from pipeline.classify.protobuf import Field, build
from pipeline.classify.transport import ERROR_CHARS, Message, Refused
from pipeline.errors import ClassifierUnavailable
from serving.server.wire import MAGIC, SENT_AT

PACKAGE = "org.pytorch.serve.grpc.inference"
METHOD = f"/{PACKAGE}.InferenceAPIsService/Predictions"
BODY = "body"  # the input that the handler reads; HTTP's body has this name there as well

_MESSAGES = build(
    PACKAGE,
    {
        "PredictionsRequest": {
            "model_name": Field(1, "string"),
            "model_version": Field(2, "string"),
            "input": Field(3, "bytes", keyed=True),
        },
        "PredictionResponse": {"prediction": Field(1, "bytes")},
    },
)


class TorchServeGrpc:
    """See Transport. SENT_AT travels as a further input: TorchServe hands a call's metadata to no handler."""

    def __init__(
        self,
        address: str,
        model_name: str,
        model_version: str,
        *,
        token: str | None = None,
        timeout: float = 20.0,
        ca_file: Path | None = None,
    ) -> None:
        self._name, self._version = model_name, model_version
        answer = _MESSAGES["PredictionResponse"]
        self._call = GrpcCall(address, METHOD, answer, token=token, timeout=timeout, ca_file=ca_file)

    def __call__(self, request: Message) -> Message:
        inputs = {BODY: request.body, SENT_AT: request.headers[SENT_AT].encode()}
        call = _MESSAGES["PredictionsRequest"](model_name=self._name, model_version=self._version, input=inputs)
        body: bytes = cast(Any, self._call(call)).prediction
        error = None if body.startswith(MAGIC) else _error(body)
        if error is not None:
            raise error
        return Message(body)

    def close(self) -> None:
        self._call.close()


def _error(body: bytes) -> Exception | None:
    """What the handler says of a request: TorchServe drops the status that it gives, so the text has it as well.

    None: no error of the handler's, nor an answer; the reader of answers says so.
    """
    try:
        content = json.loads(body)
        status, text = content["status"], str(content["error"])[:ERROR_CHARS]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if type(status) is not int:
        return None
    if status in REFUSED:
        return Refused(f"the model server refuses the request: {text}")
    return ClassifierUnavailable(f"the model server answers {status}: {text}")
