"""Frames written into `frames` by the suite itself, good and bad, under capture's own keys and headers."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import cv2
import numpy as np

from pipeline.kafka.clients import producer
from pipeline.messages import CameraState, FrameHeader, FrameId, Headers, Ledger, checksum, headers_of
from pipeline.settings import KafkaSettings
from pipeline.topics import FRAMES, name


@dataclass(frozen=True)
class Sent:
    """A record of `frames` before it is sent."""

    key: str
    value: bytes
    headers: Headers

    def with_header(self, key: str, value: bytes | None) -> Sent:
        """`value` None: without that header."""
        headers = [(each, value if each == key else old) for each, old in self.headers]
        return replace(self, headers=[(each, new) for each, new in headers if new is not None])


class Feed:
    """One camera as capture would write it."""

    def __init__(self, kafka: KafkaSettings, site: str, camera: str) -> None:
        self._producer = producer(kafka)
        self._topic = name(kafka, FRAMES)
        self._site, self._camera = site, camera
        self.session = int(time.time() * 1000)
        self._start = datetime.now(UTC)
        self.seq = 0

    def frame(self, jpeg: bytes, width: int = 160, height: int = 120) -> Sent:
        """The next frame, as it should be; not sent yet."""
        frame = FrameId(self._site, self._camera, self.session, self.seq)
        self.seq += 1
        header = FrameHeader(frame, datetime.now(UTC), width, height, checksum(jpeg))
        return Sent(frame.key, jpeg, header.encode())

    def send(self, sent: Sent) -> None:
        self._producer.send(self._topic, sent.value, sent.key.encode(), sent.headers)

    def flush(self) -> None:
        self._producer.flush(timeout=120)

    def close(self) -> None:
        """The last ledger record, behind all frames."""
        now = datetime.now(UTC)
        ledger = Ledger(
            site=self._site, camera=self._camera, session=self.session, written_at=now, covers_from=self._start,
            covers_to=now, first_seq=0, next_seq=self.seq, expected=self.seq, state=CameraState.ENDED, final=True,
        )  # fmt: skip
        self.send(Sent(ledger.key, ledger.encode(), headers_of(ledger)))
        self.flush()
        self._producer.close(timeout=5)


def picture(rng: random.Random, width: int = 160, height: int = 120) -> bytes:
    """A JPEG of soft noise: nothing in it is flat, and no two are alike."""
    small = np.random.default_rng(rng.getrandbits(32)).integers(60, 200, (height // 10, width // 10, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(small, (width, height)))[1].tobytes()


Spoil = Callable[[Sent, random.Random], Sent]


def _flipped(sent: Sent, rng: random.Random) -> Sent:
    value = bytearray(sent.value)
    for _ in range(rng.randint(1, 8)):
        value[rng.randrange(len(value))] ^= 1 << rng.randrange(8)
    return replace(sent, value=bytes(value)) if bytes(value) != sent.value else _flipped(sent, rng)


def _truncated(sent: Sent, rng: random.Random) -> Sent:
    return _signed(replace(sent, value=sent.value[: rng.randrange(1, len(sent.value) - 2)]))


def _empty(sent: Sent, rng: random.Random) -> Sent:
    return replace(sent, value=b"")


def _huge(sent: Sent, rng: random.Random) -> Sent:
    """The JPEG's own header claims sides of up to 65535 pixels, and the record's headers agree."""
    sides = rng.randrange(20_000, 65_536), rng.randrange(20_000, 65_536)
    return _signed(replace(sent, value=claiming(sent.value, *sides))).with_header("size", b"%dx%d" % sides)


def _zeros(sent: Sent, rng: random.Random) -> Sent:
    return _signed(replace(sent, value=bytes(5 * 2**20)))


def _wrong_crc(sent: Sent, rng: random.Random) -> Sent:
    return sent.with_header("crc", b"%08x" % (checksum(sent.value) ^ rng.randrange(1, 2**32)))


def _wrong_size(sent: Sent, rng: random.Random) -> Sent:
    return sent.with_header("size", b"%dx%d" % (rng.randrange(161, 4000), rng.randrange(121, 3000)))


def _wrong_header(sent: Sent, rng: random.Random) -> Sent:
    key = rng.choice(["captured_at", "size", "crc"])
    return sent.with_header(key, rng.choice([None, b"", b"\xff\xfe\x00", b"yesterday", b"-1x-1", b"nan"]))


def _wrong_type(sent: Sent, rng: random.Random) -> Sent:
    return sent.with_header("ce_type", rng.choice([None, b"", b"emostream.frame.v9", b"\xff" * 100]))


def _noise(sent: Sent, rng: random.Random) -> Sent:
    return _signed(replace(sent, value=rng.randbytes(rng.randrange(1, 20_000))))


SPOILS: dict[str, Spoil] = {
    "bit flips": _flipped,
    "truncated": _truncated,
    "empty": _empty,
    "huge dimensions": _huge,
    "wrong checksum": _wrong_crc,
    "wrong size": _wrong_size,
    "wrong header": _wrong_header,
    "wrong type": _wrong_type,
    "noise": _noise,
}
ZEROS: Spoil = _zeros  # rarer than the others: 5 MiB each


def claiming(jpeg: bytes, width: int, height: int) -> bytes:
    """The same JPEG with other sides in its frame header."""
    at = next(at for at in range(len(jpeg) - 1) if jpeg[at] == 0xFF and jpeg[at + 1] in (0xC0, 0xC1, 0xC2))
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def _signed(sent: Sent) -> Sent:
    """With the checksum of what it holds now: found out by what it is, not by that."""
    return sent.with_header("crc", b"%08x" % checksum(sent.value))
