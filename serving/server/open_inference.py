"""The Open Inference Protocol (KServe's V2) over HTTP: the messages of an inference, for clients and servers.

A request has one input, `crops`: UINT8 (N, H, W) or (N, H, W, 3), blue first. The answer has two outputs,
`probabilities`: FP32 (N, classes), a row of zeros where the model gives none, and `digest`: UINT8 (N, 32), the
model's (see `serving.model.files`), as many times as there are crops: not every server lets a model add
parameters to its answers, but all answer with tensors.
Tensors are JSON numbers, or bytes after the JSON as the protocol's extension for binary tensors has it:
then the header Inference-Header-Content-Length says where they begin.
https://github.com/kserve/open-inference-protocol
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.errors import CropError, WireError
from serving.inference.crops import check_crop
from serving.server.wire import MAX_BYTES, MAX_CROPS

CROPS, PROBABILITIES, DIGEST = "crops", "probabilities", "digest"
INPUTS = {CROPS: "UINT8"}
OUTPUTS = {PROBABILITIES: "FP32", DIGEST: "UINT8"}
BATCH_CROPS = 256  # a request, where the server has it said beforehand, as Triton has
DTYPES: dict[str, np.dtype[Any]] = {"UINT8": np.dtype("u1"), "FP32": np.dtype("<f4")}
HEADER_LENGTH = "inference-header-content-length"
BINARY = "binary_tensor_data"  # what servers call the extension
BINARY_TYPE, JSON_TYPE = "application/octet-stream", "application/json"

Crops = NDArray[np.uint8]
Scores = NDArray[np.float32]
Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Body:
    """A message: its bytes, and how many of them are JSON; None: all."""

    content: bytes
    head: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What goes with it over HTTP."""
        if self.head is None:
            return {"content-type": JSON_TYPE}
        return {"content-type": BINARY_TYPE, HEADER_LENGTH: str(self.head)}


@dataclass(frozen=True)
class Request:
    """What is asked. `binary`: the answer's tensors are to be bytes."""

    crops: Crops
    id: str = ""
    binary: bool = False


def encode_request(request: Request) -> Body:
    """WireError: too large."""
    head = {
        **({"id": request.id} if request.id else {}),
        "inputs": _described({CROPS: request.crops}, INPUTS, request.binary),
        "outputs": [{"name": name, "parameters": {"binary_data": request.binary}} for name in OUTPUTS],
    }
    return _body(head, [request.crops], request.binary)


def decode_request(body: bytes | bytearray | memoryview | Mapping[str, Any], head: str | int | None) -> Request:
    """`body`: bytes, or their JSON where a server has read it already. `head`: what HEADER_LENGTH says.

    WireError: no request for these crops. Any bytes are safe to pass.
    """
    content, rest = (body, memoryview(b"")) if isinstance(body, Mapping) else _open(body, head)
    crops = _tensors(content.get("inputs"), INPUTS, rest)[CROPS]
    if crops.ndim < 3 or len(crops) > MAX_CROPS:
        raise WireError(f"crops of shape {crops.shape}; (N, H, W) or (N, H, W, 3) with N <= {MAX_CROPS} is taken")
    if len(crops):
        try:
            check_crop(crops[0])
        except CropError as error:
            raise WireError(str(error)) from None
    return Request(crops, str(content.get("id") or ""), _wants_binary(content))


def encode_response(scores: Scores, request: Request, *, name: str, version: str, digest: str) -> Body:
    """Probabilities (N, classes), and which model they are of -> the answer to `request`."""
    tensors = answer_tensors(scores, digest)
    head = {
        "model_name": name,
        "model_version": version,
        **({"id": request.id} if request.id else {}),
        "outputs": _described(tensors, OUTPUTS, request.binary),
    }
    return _body(head, list(tensors.values()), request.binary)


def decode_response(body: bytes, head: str | int | None) -> tuple[Scores, str]:
    """Probabilities (N, classes) and the digest, in hex, that the server names. WireError."""
    content, rest = _open(body, head)
    return read_answer(_tensors(content.get("outputs"), OUTPUTS, rest))


def answer_tensors(scores: Scores, digest: str) -> Tensors:
    """An answer's outputs. Rows that are no finite numbers, which JSON has not, become zeros."""
    known = np.isfinite(scores).all(1, keepdims=True)
    digests = np.tile(np.frombuffer(bytes.fromhex(digest), np.uint8), (len(scores), 1))
    return {PROBABILITIES: np.where(known, scores, np.float32(0)), DIGEST: digests}


def read_answer(tensors: Tensors) -> tuple[Scores, str]:
    """What `answer_tensors` made. WireError: the answer is not of one model."""
    digests = tensors[DIGEST]
    if digests.ndim != 2 or digests.shape[1] != 32 or not len(digests) or (digests != digests[0]).any():
        raise WireError(f"no digest of one model in a tensor of shape {digests.shape}")
    return tensors[PROBABILITIES], digests[0].tobytes().hex()


def shaped(values: NDArray[Any], shape: Any) -> NDArray[Any]:
    """WireError: `shape` is none of a message, or the values are not as many as it says."""
    if not isinstance(shape, list) or not 1 <= len(shape) <= 4:
        raise WireError("a tensor's shape must be a list of 1 to 4 sides")
    if not all(type(side) is int and 0 <= side <= MAX_BYTES for side in shape):
        raise WireError(f"a tensor's sides must be whole numbers of 0 to {MAX_BYTES}")
    if values.size != math.prod(shape) or math.prod(side or 1 for side in shape) > MAX_BYTES:
        raise WireError(f"{values.size} values for a tensor of shape {shape}")
    return values.reshape(shape)


def from_bytes(raw: bytes | memoryview, datatype: str) -> NDArray[Any]:
    """(values,). WireError: not a whole number of them."""
    dtype = DTYPES[datatype]
    if len(raw) % dtype.itemsize:
        raise WireError(f"{len(raw)} bytes are no tensor of {datatype}")
    return np.frombuffer(raw, dtype)


def from_numbers(data: Any, datatype: str) -> NDArray[Any]:
    """(values,), in lists that may be nested. WireError: they are no numbers, or none of `datatype`."""
    dtype = DTYPES[datatype]
    try:
        found = np.asarray(data, object)  # else texts would be made as wide as the longest of them
        if not set(map(type, found.flat)) <= {int, float}:
            raise WireError("a tensor's data that are no numbers")
        values = found.astype(np.float64)
    except (TypeError, ValueError, OverflowError):  # ragged, or deeper than numpy goes
        raise WireError("a tensor's data that are no numbers") from None
    if dtype.kind == "u" and ((values < 0) | (values > 255) | (values % 1 != 0)).any():
        raise WireError(f"a tensor of {datatype} with values that are no whole numbers of 0 to 255")
    return values.reshape(-1).astype(dtype)


def _described(tensors: Tensors, datatypes: Mapping[str, str], binary: bool) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "shape": list(values.shape),
            "datatype": datatypes[name],
            **({"parameters": {"binary_data_size": values.nbytes}} if binary else {"data": values.ravel().tolist()}),
        }
        for name, values in tensors.items()
    ]


def _body(head: dict[str, Any], tensors: Sequence[NDArray[Any]], binary: bool) -> Body:
    text = json.dumps(head, separators=(",", ":")).encode()
    body = Body(b"".join([text, *(values.tobytes() for values in tensors)]), len(text)) if binary else Body(text)
    if len(body.content) > MAX_BYTES:
        raise WireError(f"a message of {len(body.content)} bytes; {MAX_BYTES} are the most")
    return body


def _open(body: bytes | bytearray | memoryview, head: str | int | None) -> tuple[Mapping[str, Any], memoryview]:
    view = memoryview(body).cast("B")
    if len(view) > MAX_BYTES:
        raise WireError(f"a message of {len(view)} bytes; {MAX_BYTES} are the most")
    try:
        length = len(view) if head is None else int(head)
        if not 0 <= length <= len(view):
            raise ValueError
        content = json.loads(bytes(view[:length]))
    except (ValueError, RecursionError):
        raise WireError("no message of the Open Inference Protocol") from None
    if not isinstance(content, Mapping):
        raise WireError("no message of the Open Inference Protocol: no JSON object")
    return content, view[length:]


def _tensors(described: Any, datatypes: Mapping[str, str], rest: memoryview) -> Tensors:
    """The tensors of these names and types, all of them and in any order; `rest`: the bytes of those not in JSON."""
    found: Tensors = {}
    if not isinstance(described, list) or not all(isinstance(one, Mapping) for one in described):
        raise WireError("a list of tensors is expected")
    for one in described:
        name, datatype = one.get("name"), one.get("datatype")
        if not isinstance(name, str) or datatypes.get(name) != datatype or name in found:
            raise WireError(f"a tensor {name!r:.50} of {datatype!r:.50}; {_said(datatypes)} is expected")
        if "data" in one:
            values = from_numbers(one["data"], datatype)
        else:
            size = _binary_size(one, len(rest), last=one is described[-1])
            values, rest = from_bytes(rest[:size], datatype), rest[size:]
        found[name] = shaped(values, one.get("shape"))
    if len(found) != len(datatypes):
        raise WireError(f"{', '.join(found) or 'no tensor'}; {_said(datatypes)} is expected")
    if len(rest):
        raise WireError(f"{len(rest)} bytes after the last tensor")
    return found


def _binary_size(tensor: Mapping[str, Any], left: int, *, last: bool) -> int:
    parameters = tensor.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, Mapping) else None
    if size is None and last:
        return left
    if type(size) is not int or not 0 <= size <= left:
        raise WireError("a tensor without its data")
    return size


def _wants_binary(content: Mapping[str, Any]) -> bool:
    outputs = content.get("outputs")
    asked = [one.get("parameters") for one in outputs if isinstance(one, Mapping)] if isinstance(outputs, list) else []
    if asked and isinstance(asked[0], Mapping):
        return asked[0].get("binary_data") is True
    parameters = content.get("parameters")
    return isinstance(parameters, Mapping) and parameters.get("binary_data_output") is True


def _said(datatypes: Mapping[str, str]) -> str:
    return " and ".join(f"{name} of {datatype}" for name, datatype in datatypes.items())
