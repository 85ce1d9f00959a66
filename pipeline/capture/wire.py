"""What a camera process says to its parent: typed messages in one pipe.

A message travels as its 4-byte length and its bytes: a 4-byte length again, a JSON head of that length, and the JPEG
where there is one. Not pickle: the camera process decodes what strangers send, so nothing it says may run here.
"""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Frame:
    """One captured frame. `media_time`: seconds since the source's start, growing strictly. `taken_at`: steady time of
    the capture in seconds (see clock.py). `fps`: the source's own frame rate as far as known, before any cap. Sides in
    pixels."""

    media_time: float
    taken_at: float
    width: int
    height: int
    fps: float | None
    scripted: tuple[str, ...] | None
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Alive:
    """Nothing captured, yet all is well: about to open the source, waiting for a frame's time, or skipping."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The source came to its end. `reason` says so when it came too early."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The source cannot be opened or read. `permanent`: trying again is of no use."""

    reason: str
    permanent: bool


Message = Frame | Alive | Ended | Failed
_LENGTH = struct.Struct(">I")
MOST_BYTES = 256 * 2**20


def encode(message: Message) -> bytes:
    body = b""
    match message:
        case Frame():
            body = message.jpeg
            head: list[Any] = [
                "frame",
                message.media_time,
                message.taken_at,
                message.width,
                message.height,
                message.fps,
                message.scripted,
            ]
        case Alive():
            head = ["alive"]
        case Ended():
            head = ["ended", message.reason]
        case Failed():
            head = ["failed", message.reason, message.permanent]
    text = json.dumps(head).encode()
    return _LENGTH.pack(len(text)) + text + body


def decode(data: bytes) -> Message:
    """Raises ValueError for what is no message."""
    try:
        (length,) = _LENGTH.unpack_from(data)
        kind, *values = json.loads(data[_LENGTH.size : _LENGTH.size + length])
        match kind:
            case "frame":
                media_time, taken_at, width, height, fps, scripted = values
                truth = None if scripted is None else tuple(scripted)
                return Frame(media_time, taken_at, width, height, fps, truth, data[_LENGTH.size + length :])
            case "alive":
                return Alive()
            case "ended":
                return Ended(*values)
            case "failed":
                return Failed(*values)
    except (struct.error, TypeError, ValueError) as error:
        raise ValueError(f"not a message of a camera process: {error}") from None
    raise ValueError(f"not a message of a camera process: kind {kind!r}")


def framed(data: bytes) -> bytes:
    """A message as it stands in the pipe."""
    return _LENGTH.pack(len(data)) + data


class Inbox:
    """Bytes of the pipe on their way to becoming messages."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, data: bytes) -> None:
        self._bytes += data

    def next(self) -> Message | None:
        """The first whole message, None while there is none. Raises ValueError for what is no message."""
        if len(self._bytes) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._bytes)
        if length > MOST_BYTES:
            raise ValueError(f"not a message of a camera process: {length} bytes")
        end = _LENGTH.size + length
        if len(self._bytes) < end:
            return None
        data = bytes(memoryview(self._bytes)[_LENGTH.size : end])
        del self._bytes[:end]
        return decode(data)


def receive(pipe: socket.socket) -> bytes:
    """One framed piece of bytes, waited for. Raises EOFError when the other side is gone."""
    (length,) = _LENGTH.unpack(_read(pipe, _LENGTH.size))
    return _read(pipe, length)


def _read(pipe: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = pipe.recv(size - len(data))
        if not piece:
            raise EOFError("the other side is gone")
        data += piece
    return bytes(data)
