"""Open Inference over gRPC, the tensors as raw bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.classifier import Probabilities
from pipeline.classify.grpc_call import GrpcCall
from pipeline.classify.protobuf import Field, build
from pipeline.settings import ModelSettings
from serving.errors import WireError
from serving.server.open_inference import CROPS, OUTPUTS, Tensors, from_bytes, from_numbers, read_answer, shaped

METHOD = "/inference.GRPCInferenceService/ModelInfer"

_MESSAGES = build(
    "inference",
    {
        "InferTensorContents": {
            "uint_contents": Field(4, "uint32", repeated=True),
            "fp32_contents": Field(6, "float", repeated=True),
        },
        "Tensor": {  # input and output are alike in the protocol; names of messages are not sent
            "name": Field(1, "string"),
            "datatype": Field(2, "string"),
            "shape": Field(3, "int64", repeated=True),
            "contents": Field(5, "InferTensorContents"),
        },
        "ModelInferRequest": {
            "model_name": Field(1, "string"),
            "inputs": Field(5, "Tensor", repeated=True),
            "raw_input_contents": Field(7, "bytes", repeated=True),
        },
        "ModelInferResponse": {
            "outputs": Field(5, "Tensor", repeated=True),
            "raw_output_contents": Field(6, "bytes", repeated=True),
        },
    },
)


class GrpcInference:
    """See Inference."""

    def __init__(self, settings: ModelSettings) -> None:
        self._name = settings.model_name
        answer = _MESSAGES["ModelInferResponse"]
        timeout, ca_file = settings.timeout_seconds, settings.ca_file
        self._call = GrpcCall(settings.address, METHOD, answer, token=settings.secret, timeout=timeout, ca_file=ca_file)

    def __call__(self, crops: NDArray[np.uint8]) -> tuple[Probabilities, str]:
        tensor = _MESSAGES["Tensor"](name=CROPS, datatype="UINT8", shape=crops.shape)
        request = _MESSAGES["ModelInferRequest"](
            model_name=self._name, inputs=[tensor], raw_input_contents=[crops.tobytes()]
        )
        return read_answer(_tensors(self._call(request)))

    def close(self) -> None:
        self._call.close()


def _tensors(answer: Any) -> Tensors:
    """The outputs of a ModelInferResponse, all raw or none. WireError."""
    outputs, raw = list(answer.outputs), list(answer.raw_output_contents)
    named = {one.name: one.datatype for one in outputs} == OUTPUTS and len(outputs) == len(OUTPUTS)
    if not named or len(raw) not in (0, len(outputs)):
        raise WireError(f"the outputs are not {', '.join(OUTPUTS)}")
    found: Tensors = {}
    for at, one in enumerate(outputs):
        if raw:
            values = from_bytes(raw[at], one.datatype)
        else:
            contents = one.contents.fp32_contents if one.datatype == "FP32" else one.contents.uint_contents
            values = from_numbers(list(contents), one.datatype)
        found[one.name] = shaped(values, list(one.shape))
    return found
