"""What crosses the wire between a client and the model server: many face crops a request.

All numbers little-endian. A message begins with 12 bytes: magic `EMOX`, version u8 (1), kind u8
(1 request, 2 response, 3 question, 4 description), count u16, then u32 0. A request goes on with `count` crops, each

    length u32 | height u16 | width u16 | channels u8 (1 gray, 3 blue-green-red) | 3 x 0 | pixels

where `length` counts the pixels' bytes. A response goes on with the model's digest (32 bytes, see
`serving.model.files`) and `count` items, each

    status u8 = 0 | classes u8 | classes x f32 probability     or     status u8 = 1 | length u16 | UTF-8 text

A question (kind 3) is a header alone, of count 0: it asks what model that is. Its answer (kind 4) goes
on with JSON, see `serving.server.asked.Served`.

A crop that cannot be used makes an item of status 1 and leaves the others alone. A message whose
frame is broken (cut short, too long, of another version) is a WireError as a whole.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.errors import CropError, WireError
from serving.inference.crops import MAX_SIDE, check_crop

MAGIC = b"EMOX"
VERSION = 1
REQUEST, RESPONSE, QUESTION, DESCRIPTION = 1, 2, 3, 4
NAMES = {REQUEST: "request", RESPONSE: "response", QUESTION: "question", DESCRIPTION: "description"}
MAX_CROPS = 1024  # a message
MAX_BYTES = 6_000_000  # a message: below TorchServe's default max_request_size of 6,553,500
MAX_TEXT = 500  # bytes of an item's error
CONTENT_TYPE = "application/octet-stream"  # with any other TorchServe decodes forms or JSON
SENT_AT = "x-emostream-sent"  # a header, optional: when the request was sent, in seconds since 1970

_HEADER = struct.Struct("<4sBBHI")
_CROP = struct.Struct("<IHHBxxx")
_DIGEST = 32

Crop = NDArray[np.uint8]
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class ItemError:
    """Why one crop of a request has no scores."""

    message: str


def encode_request(crops: Sequence[Crop]) -> bytes:
    """Crops uint8 (H, W) or (H, W, 3) BGR -> a request's body.

    CropError: one of them is no crop (says which). WireError: too many, or too large together.
    """
    _check_count(len(crops))
    parts = [_HEADER.pack(MAGIC, VERSION, REQUEST, len(crops), 0)]
    for index, crop in enumerate(crops):
        try:
            check_crop(crop)
        except CropError as error:
            raise CropError(f"crop {index}: {error}") from None
        channels = 1 if crop.ndim == 2 else 3
        parts.append(_CROP.pack(crop.size, crop.shape[0], crop.shape[1], channels))
        parts.append(crop.tobytes())
    body = b"".join(parts)
    if len(body) > MAX_BYTES:
        raise WireError(f"a request of {len(body)} bytes; {MAX_BYTES} are the most")
    return body


def decode_request(body: bytes | bytearray | memoryview) -> list[Crop | ItemError]:
    """A request's body -> its crops (views of the body), an ItemError where one cannot be used.

    WireError: the body is no whole request. Any bytes are safe to pass.
    """
    view, count, at = _open(body, REQUEST)
    items: list[Crop | ItemError] = []
    for index in range(count):
        if at + _CROP.size > len(view):
            raise WireError(f"the request is cut short in crop {index} of {count}")
        length, height, width, channels = _CROP.unpack_from(view, at)
        at += _CROP.size
        if at + length > len(view):
            raise WireError(f"the request is cut short in crop {index} of {count}")
        items.append(_crop(view[at : at + length], height, width, channels))
        at += length
    if at != len(view):
        raise WireError(f"{len(view) - at} bytes after the last crop")
    return items


def encode_response(items: Sequence[Scores | ItemError], digest: str) -> bytes:
    """Each crop's probabilities (classes,) or its error -> a response's body."""
    _check_count(len(items))
    parts = [_HEADER.pack(MAGIC, VERSION, RESPONSE, len(items), 0), bytes.fromhex(digest)]
    for item in items:
        if isinstance(item, ItemError):
            text = item.message.encode()[:MAX_TEXT]
            parts.append(struct.pack("<BH", 1, len(text)) + text)
        else:
            parts.append(struct.pack("<BB", 0, len(item)) + item.astype("<f4").tobytes())
    return b"".join(parts)


def decode_response(body: bytes | bytearray | memoryview) -> list[Scores | ItemError]:
    """A response's body -> probabilities float32 (classes,) or an ItemError, one a crop, in order.

    WireError: the body is no whole response. Any bytes are safe to pass.
    """
    view, count, at = _open(body, RESPONSE)
    at += _DIGEST
    items: list[Scores | ItemError] = []
    try:
        for _ in range(count):
            if view[at] == 0:
                classes = view[at + 1]
                end = at + 2 + 4 * classes
                if end > len(view):
                    raise IndexError
                items.append(np.frombuffer(view[at + 2 : end], "<f4").astype(np.float32))
            elif view[at] == 1:
                (length,) = struct.unpack_from("<H", view, at + 1)
                end = at + 3 + length
                if end > len(view):
                    raise IndexError
                items.append(ItemError(bytes(view[at + 3 : end]).decode(errors="replace")))
            else:
                raise WireError(f"an item of status {view[at]} in a response")
            at = end
    except (IndexError, struct.error):
        raise WireError("the response is cut short") from None
    if at != len(view):
        raise WireError(f"{len(view) - at} bytes after the last item of a response")
    return items


def response_digest(body: bytes | bytearray | memoryview) -> str:
    """The digest, in hex, of the model that a response was computed with. WireError as above."""
    view, _, at = _open(body, RESPONSE)
    if len(view) < at + _DIGEST:
        raise WireError("the response is cut short")
    return bytes(view[at : at + _DIGEST]).hex()


def encode_question() -> bytes:
    """Asks what model that is."""
    return _HEADER.pack(MAGIC, VERSION, QUESTION, 0, 0)


def is_question(body: bytes | bytearray | memoryview) -> bool:
    return bytes(body) == encode_question()


def encode_description(text: bytes) -> bytes:
    """`text`: JSON."""
    return _HEADER.pack(MAGIC, VERSION, DESCRIPTION, 0, 0) + text


def decode_description(body: bytes | bytearray | memoryview) -> bytes:
    """The JSON text of an answer to a question. WireError: it is none."""
    view, _, at = _open(body, DESCRIPTION)
    return bytes(view[at:])


def _open(body: bytes | bytearray | memoryview, kind: int) -> tuple[memoryview, int, int]:
    view = memoryview(body).cast("B")
    name = NAMES[kind]
    if len(view) == 0:
        raise WireError(f"an empty {name}")
    if len(view) > MAX_BYTES:
        raise WireError(f"a {name} of {len(view)} bytes; {MAX_BYTES} are the most")
    if len(view) < _HEADER.size or view[:4] != MAGIC:
        raise WireError(f"no {name}: it does not begin with {MAGIC.decode()}")
    _, version, found, count, _ = _HEADER.unpack_from(view)
    if version != VERSION:
        raise WireError(f"a {name} of version {version}; this side speaks {VERSION}")
    if found != kind:
        raise WireError(f"a message of kind {found} where a {name} was expected")
    _check_count(count)
    return view, count, _HEADER.size


def _crop(pixels: memoryview, height: int, width: int, channels: int) -> Crop | ItemError:
    if channels not in (1, 3):
        return ItemError(f"{channels} channels; 1 (gray) or 3 (blue, green, red) are known")
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        return ItemError(f"{height} x {width} px; sides of 1 to {MAX_SIDE} are taken")
    if len(pixels) != height * width * channels:
        return ItemError(f"{len(pixels)} bytes for {height} x {width} x {channels} pixels")
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.frombuffer(pixels, np.uint8).reshape(shape)


def _check_count(count: int) -> None:
    if not 0 <= count <= MAX_CROPS:
        raise WireError(f"{count} crops in a message; {MAX_CROPS} are the most")
