"""How often somebody may ask: a token bucket each. Pure; the time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any

MOST_KEYS = 10_000


def stranger(client: Sequence[Any] | None) -> str:
    """The key of whoever has no token: the address, as ASGI's `client` has it. Whoever has one of IPv6 has 2**64."""
    address = client[0] if client else ""
    try:
        known = IPv6Address(address)
    except ValueError:
        return f"address {address}"
    return f"address {known.ipv4_mapped or IPv6Address(int(known) >> 64 << 64)}"


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Limits:
    """`rate`: requests a second, `burst`: as many at once. Of `most` keys, those that asked last."""

    def __init__(self, rate: float, burst: int, most: int = MOST_KEYS) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, now: float) -> float:
        """0: go on; else the seconds to wait."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._burst, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        bucket.left = min(self._burst, bucket.left + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) / self._rate
        bucket.left -= 1
        return 0.0
