"""The TorchServe handler: several requests a call, many crops a request.

Requests come in emostream's own format (`serving.server.wire`) or in that of the Open Inference Protocol
(`serving.server.open_inference`). All crops of all requests go through the model together. A request that
is no request is answered with 422 and a line of JSON; a crop that is no crop with an error in its place;
nothing else suffers. Written for TorchServe 0.12.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from serving.errors import WireError
from serving.inference.predictor import Predictor
from serving.server.asked import Asked, Reply, Served, read
from serving.server.measures import measure, now
from serving.server.memory import keep_freed_memory
from serving.server.open_inference import HEADER_LENGTH
from serving.server.wire import ItemError, Scores

MODEL_FOLDER = "model"  # of the archive
SENT_AT = "x-emostream-sent"  # optional: when the request was sent, in seconds since 1970

log = logging.getLogger(__name__)
Answer = bytes | str


class Handler:
    """One worker's model. TorchServe calls `initialize` once, then `handle` for every batch."""

    def __init__(self) -> None:
        self.predictor: Predictor | None = None

    def initialize(self, context: Any) -> None:
        """Load the archive's model. CheckpointError ends the worker: there is nothing to serve."""
        properties = context.system_properties
        settings = (getattr(context, "model_yaml_config", None) or {}).get("handler", {})
        gpu = properties.get("gpu_id")
        if gpu is None:
            keep_freed_memory()
        self.predictor = Predictor(
            Path(properties["model_dir"]) / MODEL_FOLDER,
            threads=settings.get("threads", 1),
            batch=settings.get("crops_per_pass", 64),
            device="cpu" if gpu is None else f"cuda:{gpu}",
        )
        log.info("serving %s as %s", self.predictor.info, self.predictor.dtype)

    def handle(self, requests: Sequence[Mapping[str, Any]], context: Any) -> list[Answer]:
        """One answer a request, in order: a response's bytes, or JSON text beside a 4xx/5xx status."""
        if self.predictor is None:
            raise RuntimeError("handle before initialize")
        began, started = now(), time.perf_counter()
        asked = [_read(request, context, index) for index, request in enumerate(requests)]
        crops = sum(len(one.items) for one in asked if not isinstance(one, WireError))
        replies: list[Answer] = []
        for index, reply in enumerate(_replies(self.predictor, asked)):
            if isinstance(reply, Reply):
                context.set_response_content_type(index, reply.content_type)
                for name, value in reply.headers.items():
                    context.set_response_header(index, name, value)
                replies.append(reply.content)
            else:
                status, message = reply
                context.set_response_status(status, _phrase(status), index)
                context.set_response_content_type(index, "application/json")
                # The status once more in the text: over gRPC TorchServe drops the other.
                replies.append(json.dumps({"error": message, "status": status}))
        sent = [_header(request, context, index, SENT_AT) for index, request in enumerate(requests)]
        measure(context, sent=sent, began=began, crops=crops, seconds=time.perf_counter() - started)
        return replies


def _replies(predictor: Predictor, asked: Sequence[Asked | WireError]) -> list[Reply | tuple[int, str]]:
    """A reply for each request, or status and error."""
    together = [item for one in asked if not isinstance(one, WireError) for item in one.items]
    scores: list[Scores | ItemError] | None
    try:
        scores = predictor.predict_each(together)
    except Exception:  # the model's own failure is every request's, and no worker's end
        log.exception("inference failed for %d crops", len(together))
        scores = None
    served = Served(predictor.info.name, predictor.info.version, predictor.info.sha256)
    replies: list[Reply | tuple[int, str]] = []
    at = 0
    for one in asked:
        if isinstance(one, WireError):
            replies.append((422, str(one)))
            continue
        if scores is None:
            replies.append((500, "inference failed; see the server's log"))
            continue
        n = len(one.items)
        try:
            replies.append(one.reply(scores[at : at + n], served))
        except WireError as error:
            replies.append((422, str(error)))
        at += n
    return replies


def _read(request: Mapping[str, Any], context: Any, index: int) -> Asked | WireError:
    try:
        head = _header(request, context, index, HEADER_LENGTH)
        return read(request.get("body", request.get("data", b"")), head if isinstance(head, str) else None)
    except WireError as error:
        return error


def _header(request: Mapping[str, Any], context: Any, index: int, name: str) -> object:
    """A header, whichever way its name is written; over gRPC, where there are none, the input of its name."""
    if name in request:
        return request[name]
    found = context.get_request_header(index, name)
    return found if found is not None else context.get_request_header(index, name.title())


def _phrase(status: int) -> str:
    return "Unprocessable Entity" if status == 422 else "Internal Server Error"
