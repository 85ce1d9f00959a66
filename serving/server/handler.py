"""The TorchServe handler: several requests a call, many crops a request.

Requests come in emostream's own format (`serving.server.wire`) or in that of the Open Inference Protocol
(`serving.server.open_inference`). All crops of all requests go through the model together. A request that
is no request is answered with 422 and a line of JSON; a crop that is no crop with an error in its place;
nothing else suffers. An exception out of `handle` would fail the whole batch. Written for TorchServe 0.12.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.errors import WireError
from serving.inference.predictor import Predictor
from serving.server.asked import Asked, Reply, Served, read
from serving.server.measures import measure, now
from serving.server.memory import keep_freed_memory
from serving.server.open_inference import HEADER_LENGTH
from serving.server.wire import SENT_AT, ItemError, Scores

MODEL_FOLDER = "model"  # of the archive
WARM_UP_SECONDS = 2.0  # large models on CPUs take longer for their largest batches
PHRASES = {422: "Unprocessable Entity", 500: "Internal Server Error"}

log = logging.getLogger(__name__)
Answer = bytes | str


@dataclass(frozen=True)
class Refusal:
    """Why a request has no answer."""

    status: int
    error: str


class Handler:
    """One worker's model. TorchServe calls `initialize` once, then `handle` for every batch."""

    def __init__(self) -> None:
        self.predictor: Predictor | None = None

    def initialize(self, context: Any) -> None:
        """Load the archive's model. CheckpointError ends the worker: there is nothing to serve."""
        properties = context.system_properties
        settings = context.model_yaml_config["handler"]  # see package.ServerSettings
        gpu = properties.get("gpu_id")
        if gpu is None:
            keep_freed_memory()
        self.predictor = Predictor(
            Path(properties["model_dir"]) / MODEL_FOLDER,
            threads=settings["threads"],
            batch=settings["crops_per_pass"],
            device="cpu" if gpu is None else f"cuda:{gpu}",
        )
        self.predictor.warm_up(WARM_UP_SECONDS)
        log.info("serving %s as %s", self.predictor.info, self.predictor.dtype)

    def handle(self, requests: Sequence[Mapping[str, Any]], context: Any) -> list[Answer]:
        """One answer a request, in order: a response's bytes, or JSON text beside a 4xx/5xx status."""
        if self.predictor is None:
            raise RuntimeError("handle before initialize")
        began = now()
        asked = [_read(request, context, index) for index, request in enumerate(requests)]
        items = [item for one in asked if not isinstance(one, Refusal) for item in one.items]
        started = time.perf_counter()
        scores = _scores(self.predictor, items)
        seconds = time.perf_counter() - started
        replies = _replies(self.predictor, asked, scores)
        answers = [_answered(reply, context, index) for index, reply in enumerate(replies)]
        taken = [index for index, one in enumerate(asked) if not isinstance(one, Refusal)]
        if taken:
            measure(
                context,
                sent=[_header(requests[index], context, index, SENT_AT) for index in taken],
                began=began,
                requests=len(taken),
                crops=sum(not isinstance(item, ItemError) for item in items),
                seconds=seconds,
            )
        return answers


def _read(request: Mapping[str, Any], context: Any, index: int) -> Asked | Refusal:
    try:
        return read(request.get("body", b""), _header(request, context, index, HEADER_LENGTH))
    except WireError as error:
        return Refusal(422, str(error))
    except Exception:
        log.exception("reading a request failed")
        return Refusal(500, "reading the request failed; see the server's log")


def _scores(predictor: Predictor, items: Sequence[Any]) -> list[Scores | ItemError] | None:
    """None: the model failed, for all."""
    try:
        return predictor.predict_each(items)
    except Exception:
        log.exception("inference failed for %d crops", len(items))
        return None


def _replies(
    predictor: Predictor, asked: Sequence[Asked | Refusal], scores: Sequence[Scores | ItemError] | None
) -> list[Reply | Refusal]:
    """`scores`: of all crops of all requests, in order."""
    info, config = predictor.info, predictor.config
    threshold = predictor.calibration[predictor.head].abstain_below
    served = Served(
        info.name, info.version, info.sha256, predictor.digest, config.labels, config.crop, abstain_below=threshold
    )
    replies: list[Reply | Refusal] = []
    at = 0
    for one in asked:
        if isinstance(one, Refusal):
            replies.append(one)
            continue
        if scores is None:
            replies.append(Refusal(500, "inference failed; see the server's log"))
            continue
        end = at + len(one.items)
        try:
            replies.append(one.reply(scores[at:end], served))
        except Exception:
            log.exception("answering a request failed")
            replies.append(Refusal(500, "answering the request failed; see the server's log"))
        at = end
    return replies


def _answered(reply: Reply | Refusal, context: Any, index: int) -> Answer:
    """What TorchServe is given; headers and status go into the context."""
    if isinstance(reply, Reply):
        for name, value in reply.headers.items():
            context.set_response_header(index, name, value)
        return reply.content
    context.set_response_status(reply.status, PHRASES[reply.status], index)
    context.set_response_header(index, "content-type", "application/json")
    # The status once more in the text: over gRPC TorchServe drops the other.
    return json.dumps({"error": reply.error, "status": reply.status})


def _header(request: Mapping[str, Any], context: Any, index: int, name: str) -> str | None:
    """A header, however its name is written; over gRPC, where there are none, the input of its name."""
    found = request.get(name)
    if found is None:
        sent = context.get_all_request_header(index)
        found = next((value for key, value in sent.items() if key.lower() == name), None)
    if isinstance(found, bytes | bytearray):
        return found.decode("latin-1")
    return found if isinstance(found, str) else None
