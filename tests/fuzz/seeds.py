"""The inputs that fuzzing begins with, made by our own code: good ones, of each kind."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import torch
import yaml
from safetensors.torch import save

from pipeline.aggregate import state
from pipeline.kafka.noted import note
from pipeline.messages import KINDS, FrameHeader, FrameId
from pipeline.settings import Settings
from serving.server.wire import ItemError, encode_request, encode_response
from tests.records import alert, at, camera_log, face, idle, ledger, observed, stub

AT = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = FrameHeader(
    FrameId("site-1", "hall", 7, 42), AT, 320, 240, 0xC0FFEE, masks=(((0.1, 0.1), (0.5, 0.1), (0.5, 0.5)),)
)
HEADERS = [(key, value) for key, value in HEADER.encode() if key not in ("crc", "masks")]


def frame_headers() -> list[bytes]:
    plain = FrameHeader(HEADER.frame_id, AT, 640, 480, 1, "00-" + "1" * 32 + "-" + "2" * 16 + "-01", ("happy", "sad"))
    return [b"\n".join(key.encode() + b"=" + value for key, value in each.encode()) for each in (HEADER, plain)]


def jpegs() -> list[bytes]:
    picture = np.full((48, 64, 3), 90, np.uint8)
    cv2.circle(picture, (32, 24), 16, (40, 160, 220), -1)
    progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    made = [(picture, []), (picture, progressive), (cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), [])]
    return [cv2.imencode(".jpg", image, options)[1].tobytes() for image, options in made]


def messages() -> list[bytes]:
    kinds = {kind: number for number, kind in enumerate(KINDS.values())}
    made = [observed(1, 0.5, [face("happy")]), stub(2, 0.6), ledger(0, 1, 10), idle(0, 9), alert(), *camera_log("a", 1)]
    found = [bytes([kinds[type(each)]]) + each.encode() for each in made[:20]]
    return found + [bytes([number]) + b"{}" for number in kinds.values()]


def checkpoints() -> list[bytes]:
    kinds = list(state.KINDS.values())
    return [bytes([number]) + _example(kind.model_json_schema()) for number, kind in enumerate(kinds)]


def weights() -> list[bytes]:
    tensors = {"stem.weight": torch.zeros(2, 3), "stem.bias": torch.ones(2)}
    saved = io.BytesIO()
    torch.save({"epoch": 1, "model": tensors}, saved)
    return [save(tensors), saved.getvalue()]


def settings() -> list[bytes]:
    whole = yaml.safe_dump(json.loads(Settings().model_dump_json())).encode()
    few = b"site: hall\ncameras:\n  - uri: rtsp://camera/1\n    fps: 5\nkafka: {bootstrap: 'b:9092', partitions: 3}\n"
    secured = b"kafka:\n  security: {protocol: SASL_SSL, username: capture, password: env:P, ca_file: ca.pem}\n"
    return [whole, few, secured, b"&a [*a]", b"site: !!python/name:os.system x"]


def uris() -> list[bytes]:
    return [
        b"rtsp://user:password@camera.example:554/stream?id=hall&fps=5",
        b"clip.mp4?loop=true&realtime=false",
        b"synthetic:?people=2&seed=1&expressions=happy",
        b"webcam:0",
        b"file://[/clip.mp4",
        b"clip.mp4?" + b"a=" * 40 + b"/",
        b"http://[::1]:8080/video?x=%ff",
    ]


def bodies() -> list[bytes]:
    soon = (AT + timedelta(hours=1)).isoformat()
    made = [
        {"uri": "rtsp://camera/1", "id": "hall", "fps": 5, "masks": [[[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]]},
        {"fps": 5, "reason": "slow line"},
        {"scope": "camera", "id": "hall", "since": soon, "limit": 3},
        {"which": "all", "limit": 5},
        {"rule": "sadness", "until": soon},
        {"scope": "zone", "id": "bed-1"},
    ]
    return [bytes([number]) + json.dumps(each).encode() for number, each in enumerate(made)]


def cursors() -> list[bytes]:
    return [b"MjAyNi0wMS0wMVQwMDowMDowMCswMDowMApjYW1lcmEKaGFsbAo2MHM", b"MDAwMS0wMS0wMVQwMDowMCsxNDowMAphCmIKYw"]


def authorizations() -> list[bytes]:
    return [b"Bearer a-token-that-is-long-enough", b"bearer  x", b"Basic dXNlcjpwYXNz"]


def origins() -> list[bytes]:
    return [b"http://here:8500\nemostream=token", b"https://elsewhere.example\na=b; c", b"http://[\n", b"null\n"]


def log_lines() -> list[bytes]:
    return [
        b"rtsp://user:password@camera/1 is away",
        b'{"token": "abc"}',
        b"Authorization: Bearer abcdefgh",
        b"b'\\xff'",
    ]


def notes() -> list[bytes]:
    return [note(12).encode(), note(None).encode()]


def requests() -> list[bytes]:
    gray, colour = np.zeros((24, 24), np.uint8), np.full((48, 32, 3), 9, np.uint8)
    return [encode_request([gray]), encode_request([gray, colour, gray]), encode_request([colour])]


def answers() -> list[bytes]:
    scores = np.full(7, 1 / 7, np.float32)
    return [encode_response([scores, ItemError("no face"), scores], "ab" * 32)]


def _example(schema: dict[str, object]) -> bytes:
    """A record with something in each of its fields; not always a right one, but of the right form."""
    return json.dumps(_value(schema, schema.get("$defs", {}))).encode()


def _value(schema: object, parts: object) -> object:
    assert isinstance(schema, dict)
    assert isinstance(parts, dict)
    if "$ref" in schema:
        return _value(parts[str(schema["$ref"]).rpartition("/")[2]], parts)
    for several in ("anyOf", "allOf", "prefixItems"):
        if several in schema:
            made = [_value(each, parts) for each in schema[several]]
            return made if several == "prefixItems" else made[0]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: _value(each, parts) for name, each in schema.get("properties", {}).items()}
        case "array":
            return [_value(schema["items"], parts)] if "items" in schema else []
        case "string":
            return at(0).isoformat() if schema.get("format") == "date-time" else "60s"
        case "boolean":
            return True
        case kind:
            return None if kind == "null" else 1
