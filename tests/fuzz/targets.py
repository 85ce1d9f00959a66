"""What parses bytes from outside, each as one function of bytes.

A target returns, or raises one of its `expected` errors; anything else is a crash. What holds of each answer is
asserted here, too: a parser that takes what it should refuse is as wrong as one that falls over.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import Headers

from pipeline.access import Access
from pipeline.aggregate import state
from pipeline.analyze.decode import Decoder
from pipeline.analyze.jpeg import size_of
from pipeline.api import shapes
from pipeline.api.paging import Wish, page
from pipeline.capture.uri import camera_specs
from pipeline.dashboard.guard import _same_origin, token_of
from pipeline.errors import BadRecord, EmostreamError, UsageError
from pipeline.kafka.believable import check
from pipeline.kafka.noted import noted
from pipeline.logs.redact import MOST, redact
from pipeline.messages import KINDS, FrameHeader, Record, checksum, frame_identity, record_kind
from pipeline.settings import ApiSettings, CameraSettings, Settings, TokenSettings, load
from serving.errors import ServingError
from serving.model.checkpoint import load_training, read_safetensors
from serving.server.wire import WireError, decode_request, decode_response, encode_request
from tests.fuzz import seeds

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHORT = 20_000  # bytes: more tells nothing new of a JSON body
SMALL = Decoder(max_bytes=2**20, max_pixels=2**20, max_side=320)
REFUSALS = (BadRecord, UsageError)


@dataclass(frozen=True)
class Target:
    """`seeds`: makes the inputs that the fuzzer begins with; `expected`: what it may raise."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    expected: tuple[type[Exception], ...]

    def __call__(self, data: bytes) -> None:
        try:
            self.run(data)
        except self.expected:
            return


def _headers(data: bytes) -> list[tuple[str, bytes]]:
    """As Kafka gives them: lines of name=value; a NUL byte stands for a line's end within a value."""
    pairs = (line.partition(b"=") for line in data.split(b"\n"))
    return [(key.decode(errors="replace"), value.replace(b"\0", b"\n")) for key, _, value in pairs]


def frame_headers(data: bytes) -> None:
    headers = _headers(data)
    header = FrameHeader.decode(headers)
    assert frame_identity(dict(headers)) == header.frame_id
    again = FrameHeader.decode(header.encode())
    assert again == header
    record_kind(headers)


def jpeg(data: bytes) -> None:
    width, height = size_of(data)
    assert 0 < width < 2**16
    assert 0 < height < 2**16
    header = FrameHeader.decode([*seeds.HEADERS, ("crc", f"{checksum(data):x}".encode())])
    picture = SMALL(data, FrameHeader(header.frame_id, header.captured_at, width, height, header.crc))
    assert picture.view(1, "bgr").image.shape[:2] == (height, width)


def messages(data: bytes) -> None:
    kinds = list(KINDS.values())
    _record(kinds[data[0] % len(kinds)] if data else kinds[0], data[1:SHORT])


def checkpoints(data: bytes) -> None:
    """Of aggregate, in `aggregate-state`."""
    kinds = list(state.KINDS.values())
    _record(kinds[data[0] % len(kinds)] if data else kinds[0], data[1:SHORT])


def _record(kind: type[Record], value: bytes) -> None:
    record = kind.decode(value)
    check(record, NOW)
    assert kind.decode(record.encode()) == record


def weights(data: bytes) -> None:
    """Of a model, and of a training: nothing of them is ever run."""
    with _file(data) as path:
        if data[:1] == b"P":
            load_training(path)
        else:
            read_safetensors(path)


def settings(data: bytes) -> None:
    """A file that somebody wrote."""
    with _file(data[:SHORT]) as path:
        loaded = load(path)
    assert Settings.model_validate(loaded.model_dump(mode="json")).site == loaded.site


def camera_uri(data: bytes) -> None:
    uri = data[:SHORT].decode(errors="replace")
    for spec in camera_specs([CameraSettings(uri=uri)], lambda path: False, {}):
        assert spec.id


def api_bodies(data: bytes) -> None:
    kind = BODIES[data[0] % len(BODIES)] if data else BODIES[0]
    asked = kind.model_validate_json(data[1:SHORT])
    json.dumps(asked.model_dump(mode="json"))


BODIES: tuple[Any, ...] = (
    shapes.NewCamera,
    shapes.CameraChange,
    shapes.WindowsAsked,
    shapes.AlertsAsked,
    shapes.Silencing,
    shapes.Forgetting,
)


def cursor(data: bytes) -> None:
    wish = Wish(None, None, None, NOW, data[:SHORT].decode(errors="replace"))
    assert page({}, wish, 10) == ([], None)


ACCESS = Access.of(ApiSettings(tokens=[TokenSettings(name="somebody", token="a-token-that-is-long-enough")]))  # type: ignore[arg-type]


def authorization(data: bytes) -> None:
    text = data[:SHORT].decode(errors="replace")
    caller = ACCESS.who(text)
    assert caller is None or "a-token-that-is-long-enough" in text


def page_headers(data: bytes) -> None:
    """Who may change anything from the page: its own origin, and no other."""
    lines = [*data[:SHORT].split(b"\n"), b"", b""]
    headers = Headers({"origin": lines[0].decode("latin-1"), "host": "here:8500", "cookie": lines[1].decode("latin-1")})
    if _same_origin({"type": "http", "method": "POST"}, headers):
        assert b"here:8500" in lines[0].lower()
    token_of(headers)


def log_line(data: bytes) -> None:
    """The secret between two texts of anybody's is never told."""
    text = data[:SHORT].decode(errors="replace").replace("\n", " ")
    told = redact(text)
    assert len(told) <= MOST + 40
    assert "s3cr3t-of-ours" not in redact(f"{text[:2000]} rtsp://user:s3cr3t-of-ours@camera/1 ")


def committed(data: bytes) -> None:
    since = noted(data[:SHORT].decode(errors="replace"))
    assert since is None or since >= 0


def model_request(data: bytes) -> None:
    crops = decode_request(data)
    good = [each for each in crops if hasattr(each, "shape")]
    if good and len(good) == len(crops):
        assert [each.tobytes() for each in decode_request(encode_request(good))] == [each.tobytes() for each in good]


def model_answer(data: bytes) -> None:
    decode_response(data)


@contextmanager
def _file(data: bytes) -> Iterator[Path]:
    """The bytes as a file, in memory where the system has such a folder."""
    with tempfile.NamedTemporaryFile(suffix=".pt", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as file:
        file.write(data)
        file.flush()
        yield Path(file.name)


TARGETS = {
    "frame-headers": Target(frame_headers, seeds.frame_headers, REFUSALS),
    "jpeg": Target(jpeg, seeds.jpegs, REFUSALS),
    "messages": Target(messages, seeds.messages, REFUSALS),
    "checkpoints": Target(checkpoints, seeds.checkpoints, REFUSALS),
    "weights": Target(weights, seeds.weights, (ServingError,)),
    "settings": Target(settings, seeds.settings, (UsageError,)),
    "camera-uri": Target(camera_uri, seeds.uris, (EmostreamError, ValidationError)),
    "api-bodies": Target(api_bodies, seeds.bodies, (ValidationError,)),
    "cursor": Target(cursor, seeds.cursors, (UsageError,)),
    "authorization": Target(authorization, seeds.authorizations, ()),
    "page-headers": Target(page_headers, seeds.origins, ()),
    "log-line": Target(log_line, seeds.log_lines, ()),
    "committed": Target(committed, seeds.notes, ()),
    "model-request": Target(model_request, seeds.requests, (WireError,)),
    "model-answer": Target(model_answer, seeds.answers, (WireError,)),
}
