"""Requests as TorchServe hands them to the handler, in either of two formats, and the answers in the same one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from serving.errors import WireError
from serving.model.folder import CropSpec
from serving.server import open_inference
from serving.server.wire import (
    CONTENT_TYPE,
    Crop,
    ItemError,
    Scores,
    decode_request,
    encode_description,
    encode_response,
    is_question,
)


@dataclass(frozen=True)
class Served:
    """Which model answers. digest: see serving.model.files. abstain_below: of the head that is served."""

    name: str
    version: str
    sha256: str
    digest: str
    labels: Sequence[str]
    crop: CropSpec
    abstain_below: float

    def description(self) -> bytes:
        """As JSON, flat: what a client has to know to ask this model."""
        told = {name: getattr(self, name) for name in ("name", "version", "sha256", "digest", "abstain_below")}
        crop = {"size": self.crop.size, "color": self.crop.color, "margin": self.crop.margin}
        return json.dumps({**told, **crop, "labels": list(self.labels)}).encode()


@dataclass(frozen=True)
class Reply:
    """What goes back, with its headers."""

    content: bytes
    headers: Mapping[str, str]


class Asked(Protocol):
    """One request: its crops, and how their scores are told."""

    @property
    def items(self) -> Sequence[Crop | ItemError]: ...

    def reply(self, found: Sequence[Scores | ItemError], served: Served) -> Reply:
        """`found`: one for each of `items`, in order."""
        ...


@dataclass(frozen=True)
class CropsAsked:
    """In the format of `serving.server.wire`: crops of any sizes, errors one by one."""

    items: Sequence[Crop | ItemError]

    def reply(self, found: Sequence[Scores | ItemError], served: Served) -> Reply:
        return Reply(encode_response(found, served.digest), {"content-type": CONTENT_TYPE})


@dataclass(frozen=True)
class TensorAsked:
    """In the format of `serving.server.open_inference`: crops that are one tensor."""

    request: open_inference.Request

    @property
    def items(self) -> Sequence[Crop | ItemError]:
        return list(self.request.crops)

    def reply(self, found: Sequence[Scores | ItemError], served: Served) -> Reply:
        """Zeros for a crop without scores: the format knows no errors of single crops."""
        scores = np.zeros((len(found), len(served.labels)), np.float32)
        for row, item in zip(scores, found, strict=True):
            if not isinstance(item, ItemError):
                row[:] = item
        body = open_inference.encode_response(
            scores, self.request, name=served.name, version=served.version, digest=served.digest
        )
        return Reply(body.content, body.headers)


@dataclass(frozen=True)
class DescriptionAsked:
    """What model that is, in the format of `serving.server.wire`."""

    items: Sequence[Crop | ItemError] = ()

    def reply(self, found: Sequence[Scores | ItemError], served: Served) -> Reply:
        return Reply(encode_description(served.description()), {"content-type": CONTENT_TYPE})


def read(body: Any, head: str | None) -> Asked:
    """A request's body -> what it asks; `head`: see open_inference.HEADER_LENGTH. WireError: it is no request."""
    if isinstance(body, Mapping):  # sent as application/json: TorchServe has read it
        return TensorAsked(open_inference.decode_request(body, None))
    if not isinstance(body, bytes | bytearray | memoryview):
        raise WireError(f"the body must be bytes, sent as {CONTENT_TYPE}")
    if bytes(body[:1]) == b"{":
        return TensorAsked(open_inference.decode_request(body, head))
    return DescriptionAsked() if is_question(body) else CropsAsked(decode_request(body))
