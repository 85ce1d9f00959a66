"""What the analyzers need besides Kafka: the model's server, and Ray where it is somebody else's."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from pipeline.classify.choose import answers
from pipeline.errors import ClassifierUnavailable
from pipeline.local.doctor.check import Check, guarded
from pipeline.settings import Settings

CONNECT_SECONDS = 2.0


def checks(settings: Settings) -> Iterator[Check]:
    if settings.classify.kind != "in-process":
        yield guarded("model server", lambda: _model_server(settings))
    if settings.ray.address not in (None, "auto"):
        yield guarded("Ray cluster", lambda: _ray(settings.ray.address or ""))


def _model_server(settings: Settings) -> Check:
    """It reads a face: that it listens is not enough."""
    classify = settings.classify
    try:
        answers(classify, classify.address, classify.secret or "")
    except ClassifierUnavailable as error:
        own = not classify.url
        hint = (
            "`emostream up --local` brings its own; classify.url names another"
            if own
            else "classify.url and classify.token name it"
        )
        said = error.message.partition(": failed to connect")[0]
        return Check("model server", "warn" if own else "fail", f"{classify.kind}: {said}", hint)
    return Check("model server", "ok", f"{classify.kind} at {classify.address} reads a face")


def _ray(address: str) -> Check:
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        return Check(
            "Ray cluster", "fail", f"{address}: {error}", "is it running? ray.address names it, none starts one"
        )
    return Check("Ray cluster", "ok", f"{address} listens")
