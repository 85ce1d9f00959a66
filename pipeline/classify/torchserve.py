"""The model behind TorchServe: many crops a request, in emostream's own format, over HTTP or gRPC."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pipeline.classify.answers import expect, scored
from pipeline.classify.classifier import Crop, CropSpec, Scored
from pipeline.classify.http import Http
from pipeline.classify.model_folder import ModelFolder
from pipeline.classify.transport import Message, Refused, Transport
from pipeline.errors import ClassifierUnavailable
from pipeline.messages import ModelRef
from pipeline.settings import ClassifySettings
from serving.errors import CropError, WireError
from serving.server.wire import CONTENT_TYPE, MAX_BYTES, MAX_CROPS, decode_response, encode_request, response_sha256

HEADER_BYTES = 64  # of a request and of each crop in it, at most
SENT_AT = "x-emostream-sent"  # when, in seconds since 1970: the handler tells from it how long requests wait


class TorchServe:
    """See Classifier. `folder`: of the model that the server is to serve; its answers name theirs, and must agree."""

    def __init__(self, folder: ModelFolder, transport: Transport) -> None:
        self.model: ModelRef = folder.ref
        self.crop: CropSpec = folder.crop
        self.abstain_below = folder.abstain_below
        self._transport = transport

    @classmethod
    def over_http(cls, settings: ClassifySettings) -> TorchServe:
        """Raises DependencyError: the model's folder cannot be read. Asks the server nothing."""
        path = f"/predictions/{settings.model_name}"
        http = Http(settings.address, path, token=settings.token, timeout=settings.timeout_seconds)
        return cls(ModelFolder.of(settings.model), http)

    @classmethod
    def over_grpc(cls, settings: ClassifySettings) -> TorchServe:
        """As `over_http`."""
        from pipeline.classify.torchserve_grpc import TorchServeGrpc

        folder, timeout = ModelFolder.of(settings.model), settings.timeout_seconds
        return cls(folder, TorchServeGrpc(settings.address, settings.model_name, token=settings.token, timeout=timeout))

    def classify(self, crops: Sequence[Crop]) -> Scored:
        """See Classifier. Crops that are too many for one request go in several."""
        if not len(crops):
            return Scored.failed(0, "")
        bytes_each = max(crop.nbytes for crop in crops) + HEADER_BYTES
        limit = max(1, min(MAX_CROPS, MAX_BYTES // bytes_each - 1))
        if len(crops) <= limit:
            return self._classify(crops)
        return Scored.joined([self._classify(crops[at : at + limit]) for at in range(0, len(crops), limit)])

    def close(self) -> None:
        self._transport.close()

    def _classify(self, crops: Sequence[Crop]) -> Scored:
        try:
            request = encode_request(crops)
        except (CropError, WireError) as error:
            return Scored.failed(len(crops), f"not sent: {error}")
        headers = {"content-type": CONTENT_TYPE, SENT_AT: f"{time.time():.6f}"}
        try:
            body = self._transport(Message(request, headers)).body
        except Refused as error:
            return Scored.failed(len(crops), f"the model server refuses the request: {error}")
        try:
            sha256 = response_sha256(body)
            items = decode_response(body)
        except WireError as error:
            raise ClassifierUnavailable(f"the model server's answer is not one of emostream's: {error}") from None
        expect(self.model, sha256)
        return scored(items, len(crops))
