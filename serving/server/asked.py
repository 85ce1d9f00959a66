"""Requests as TorchServe hands them to the handler, in either of two formats, and the answers in the same one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from serving.errors import WireError
from serving.server import open_inference
from serving.server.open_inference import Request
from serving.server.wire import CONTENT_TYPE, Crop, ItemError, Scores, decode_request, encode_response


@dataclass(frozen=True)
class Served:
    """Which model answers."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Reply:
    """What goes back, with its content type and further headers."""

    content: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Asked(Protocol):
    """One request: its crops, and how their scores are told."""

    @property
    def items(self) -> Sequence[Crop | ItemError]: ...

    def reply(self, found: Sequence[Scores | ItemError], served: Served) -> Reply:
        """`found`: one for each of `items`, in order. WireError: they cannot be told."""
        ...


@dataclass(frozen=True)
class Emostream:
    """In the format of `serving.server.wire`: crops of any sizes, errors one by one."""

    items: Sequence[Crop | ItemError]

    def reply(self, found: Sequence[Scores | ItemError], served: Served) -> Reply:
        return Reply(encode_response(found, served.sha256), CONTENT_TYPE)


@dataclass(frozen=True)
class OpenInference:
    """In the format of `serving.server.open_inference`: crops that are one tensor."""

    request: Request

    @property
    def items(self) -> Sequence[Crop | ItemError]:
        return list(self.request.crops)

    def reply(self, found: Sequence[Scores | ItemError], served: Served) -> Reply:
        for index, item in enumerate(found):
            if isinstance(item, ItemError):
                raise WireError(f"crop {index}: {item.message}")
        scores = np.array(found, np.float32) if found else np.zeros((0, 7), np.float32)
        body = open_inference.encode_response(
            scores, self.request, name=served.name, version=served.version, sha256=served.sha256
        )
        return Reply(body.content, body.headers["content-type"], body.headers)


def read(body: Any, head: str | None) -> Asked:
    """A request's body -> what it asks; `head`: see open_inference.HEADER_LENGTH. WireError: it is no request."""
    if isinstance(body, Mapping):  # sent as application/json: TorchServe has read it
        return OpenInference(open_inference.decode_request(body, None))
    if not isinstance(body, bytes | bytearray | memoryview):
        raise WireError(f"the body must be bytes, sent as {CONTENT_TYPE}")
    if bytes(body[:1]) == b"{":
        return OpenInference(open_inference.decode_request(body, head))
    return Emostream(decode_request(body))
