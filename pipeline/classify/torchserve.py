"""The model behind TorchServe: many crops a request, in emostream's own format, over HTTP or gRPC."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pipeline.classify.answers import expect, in_parts, scored
from pipeline.classify.classifier import Crop, CropSpec, Scored
from pipeline.classify.http import Http
from pipeline.classify.model_folder import ModelFolder
from pipeline.classify.transport import Message, Refused, Transport
from pipeline.errors import ClassifierUnavailable
from pipeline.messages import ModelRef
from pipeline.settings import ModelSettings
from serving.errors import CropError, WireError
from serving.inference.crops import check_crop
from serving.server.wire import (
    CONTENT_TYPE,
    MAX_BYTES,
    MAX_CROPS,
    SENT_AT,
    decode_response,
    encode_request,
    response_digest,
)

HEADER_BYTES = 64  # of a request and of each crop in it, at most


class TorchServe:
    """See Classifier. `folder`: of the model that the server is to serve; its answers name theirs, and must agree."""

    def __init__(self, folder: ModelFolder, transport: Transport) -> None:
        self.model: ModelRef = folder.ref
        self.crop: CropSpec = folder.crop
        self.abstain_below = folder.abstain_below
        self._folder = folder
        self._transport = transport

    @classmethod
    def over_http(cls, settings: ModelSettings) -> TorchServe:
        """Raises DependencyError: the model's folder cannot be read. Asks the server nothing."""
        path = f"/predictions/{settings.model_name}"
        timeout, ca_file = settings.timeout_seconds, settings.ca_file
        http = Http(settings.address, path, token=settings.secret, timeout=timeout, ca_file=ca_file)
        return cls(ModelFolder.of(settings.model), http)

    @classmethod
    def over_grpc(cls, settings: ModelSettings) -> TorchServe:
        """As `over_http`."""
        from pipeline.classify.torchserve_grpc import TorchServeGrpc

        folder, name, timeout = ModelFolder.of(settings.model), settings.model_name, settings.timeout_seconds
        call = TorchServeGrpc(settings.address, name, token=settings.secret, timeout=timeout, ca_file=settings.ca_file)
        return cls(folder, call)

    def classify(self, crops: Sequence[Crop]) -> Scored:
        """See Classifier. Crops may be of any size; those that are too many for one request go in several."""
        return in_parts(crops, _fault, _limit, self._classify)

    def close(self) -> None:
        self._transport.close()

    def _classify(self, crops: Sequence[Crop]) -> Scored:
        request = Message(encode_request(crops), {"content-type": CONTENT_TYPE, SENT_AT: f"{time.time():.6f}"})
        try:
            body = self._transport(request).body
        except Refused as error:
            return Scored.failed(len(crops), str(error))
        try:
            digest = response_digest(body)
            items = decode_response(body)
        except WireError as error:
            raise ClassifierUnavailable(f"the model server's answer is not one of emostream's: {error}") from None
        expect(self._folder, digest)
        return scored(items, len(crops))


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
