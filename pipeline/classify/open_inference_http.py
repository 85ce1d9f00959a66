"""Open Inference over HTTP: bytes after the JSON where the server says that it takes them, else all JSON."""

from __future__ import annotations

import json
import time

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.classifier import Probabilities
from pipeline.classify.http import Http
from pipeline.classify.transport import Message, Refused
from pipeline.errors import ClassifierUnavailable
from pipeline.settings import ModelSettings
from serving.errors import WireError
from serving.server.open_inference import BINARY, HEADER_LENGTH, Request, decode_response, encode_request
from serving.server.wire import SENT_AT


class HttpInference:
    """See Inference."""

    def __init__(self, settings: ModelSettings) -> None:
        path = f"/v2/models/{settings.model_name}/infer"
        timeout, ca_file = settings.timeout_seconds, settings.ca_file
        self._http = Http(settings.address, path, token=settings.secret, timeout=timeout, ca_file=ca_file)
        self._binary: bool | None = None  # not known before the first request; several may ask, and learn the same

    def __call__(self, crops: NDArray[np.uint8]) -> tuple[Probabilities, str]:
        binary = self._binary
        if binary is None:
            self._binary = binary = BINARY in _extensions(self._http.get("/v2"))
        try:
            body = encode_request(Request(crops, binary=binary))
        except WireError as error:
            raise Refused(f"not sent: {error}") from None
        try:
            answer = self._http(Message(body.content, {**body.headers, SENT_AT: f"{time.time():.6f}"}))
        except ClassifierUnavailable:
            self._binary = None  # who answers next may be another server
            raise
        return decode_response(answer.body, answer.headers.get(HEADER_LENGTH))

    def close(self) -> None:
        self._http.close()


def _extensions(metadata: bytes | None) -> list[str]:
    """What a server's metadata names; none where it has no metadata."""
    try:
        found = json.loads(metadata or b"{}").get("extensions")
    except (ValueError, AttributeError, RecursionError):
        return []
    return [str(one) for one in found] if isinstance(found, list) else []
