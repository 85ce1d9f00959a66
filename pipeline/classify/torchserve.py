"""The model behind TorchServe: many crops a request, in emostream's own format, over HTTP or gRPC.

TorchServe has several versions of a model side by side; each request names the one that it is for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from urllib.parse import quote

from pipeline.classify.answers import expect, in_parts, scored
from pipeline.classify.classifier import Crop, CropSpec, Scored
from pipeline.classify.http import Http
from pipeline.classify.model_folder import Expected, ModelFolder
from pipeline.classify.transport import ERROR_CHARS, Message, Refused, Transport
from pipeline.errors import ClassifierUnavailable
from pipeline.messages import ModelRef, ServedModel
from pipeline.settings import ModelSettings
from serving.errors import CropError, WireError
from serving.inference.crops import check_crop
from serving.server.wire import (
    CONTENT_TYPE,
    MAX_BYTES,
    MAX_CROPS,
    SENT_AT,
    decode_description,
    decode_response,
    encode_question,
    encode_request,
    response_digest,
)

HEADER_BYTES = 64  # of a request and of each crop in it, at most


class TorchServe:
    """See Classifier. `model`: that the server is to serve; its answers name theirs, and must agree."""

    def __init__(self, model: Expected, transport: Transport) -> None:
        self.model: ModelRef = model.ref
        self.crop: CropSpec = model.crop
        self.abstain_below = model.abstain_below
        self._expected = model
        self._transport = transport

    @classmethod
    def of(cls, settings: ModelSettings, model: Expected | None = None) -> TorchServe:
        """`model`: None: the one that the settings name. Asks the server nothing.

        Raises DependencyError: the folder of the settings' model cannot be read.
        """
        model = model or ModelFolder.of(settings.model)
        return cls(model, transport(settings, model.ref.version))

    def classify(self, crops: Sequence[Crop]) -> Scored:
        """See Classifier. Crops may be of any size; those that are too many for one request go in several."""
        return in_parts(crops, _fault, _limit, self._classify)

    def close(self) -> None:
        self._transport.close()

    def _classify(self, crops: Sequence[Crop]) -> Scored:
        request = _message(encode_request(crops))
        try:
            body = self._transport(request).body
        except Refused as error:
            return Scored.failed(len(crops), str(error))
        try:
            digest = response_digest(body)
            items = decode_response(body)
        except WireError as error:
            raise ClassifierUnavailable(f"the model server's answer is not one of emostream's: {error}") from None
        expect(self._expected, digest)
        return scored(items, len(crops))


def transport(settings: ModelSettings, version: str) -> Transport:
    """To one version of the model at the settings' first address."""
    name, timeout, ca_file = settings.model_name, settings.timeout_seconds, settings.ca_file
    if settings.kind == "torchserve":
        path = f"/predictions/{name}/{quote(version, safe='')}"
        return Http(settings.address, path, token=settings.secret, timeout=timeout, ca_file=ca_file)
    from pipeline.classify.torchserve_grpc import TorchServeGrpc

    return TorchServeGrpc(settings.address, name, version, token=settings.secret, timeout=timeout, ca_file=ca_file)


def described(settings: ModelSettings, version: str) -> ServedModel:
    """What the server at the settings' first address says of a version that it has.

    Raises ClassifierUnavailable: it has none, or does not answer.
    """
    there = transport(settings, version)
    try:
        told = json.loads(decode_description(there(_message(encode_question())).body))
        return ServedModel.model_validate({**told, "ref": {key: told[key] for key in ("name", "version", "sha256")}})
    except ClassifierUnavailable as error:
        raise ClassifierUnavailable(f"version {version} at {settings.address}: {error.message}") from None
    except (Refused, WireError, ValueError, KeyError, TypeError) as error:
        what = f"version {version} at {settings.address} does not tell what it is ({error})"
        raise ClassifierUnavailable(f"{what[:ERROR_CHARS]}; package it anew with this release") from None
    finally:
        there.close()


def _message(body: bytes) -> Message:
    return Message(body, {"content-type": CONTENT_TYPE, SENT_AT: f"{time.time():.6f}"})


def _fault(crop: Crop) -> str:
    try:
        check_crop(crop)
    except CropError as error:
        return str(error)
    return ""


def _limit(crops: Sequence[Crop]) -> int:
    """How many of them make a request, at most."""
    bytes_each = max((crop.nbytes for crop in crops), default=0) + HEADER_BYTES
    return max(1, min(MAX_CROPS, MAX_BYTES // bytes_each - 1))
