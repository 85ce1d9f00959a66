"""Inputs made from good ones: a few bytes changed, cut out, doubled, or taken from another."""

from __future__ import annotations

import random
from collections.abc import Sequence

TELLING = [b"\0", b"\xff", b"-1", b"0", b"9" * 30, b"1e999", b"NaN", b"null", b'"', b"{", b"[" * 50, b"\xed\xa0\x80"]
TIMES = [b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00", b"2026-01-01"]


def changed(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(made) + 1)
        to = min(len(made), at + rng.choice((1, 2, 4, 16, 64)))
        match rng.randrange(6):
            case 0 if at < len(made):
                made[at] ^= 1 << rng.randrange(8)
            case 1:
                made[at:to] = b""
            case 2:
                made[at:at] = made[at:to] * rng.choice((1, 2, 8))
            case 3:
                made[at:to] = rng.choice(TELLING + TIMES)
            case 4:
                other = rng.choice(others)
                since = rng.randrange(len(other) + 1)
                made[at:to] = other[since : since + rng.choice((1, 8, 64))]
            case _:
                made[at:to] = rng.randbytes(to - at)
    return bytes(made)
