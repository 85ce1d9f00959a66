"""Calls that may block for as long as Kafka or a camera is away: in so many threads, waited for so long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from pipeline.api.problems import unavailable

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """`most` at once, `waiting` more for a thread. A call that was begun goes on to its end, whoever waits for it;
    until then its thread is nobody else's."""

    def __init__(self, name: str, most: int, seconds: float, waiting: int = 0) -> None:
        self._name = name
        self._pool = ThreadPoolExecutor(most, name)
        self._free = threading.Semaphore(most + waiting)
        self._seconds = seconds

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises Refused (503) when no thread is free, or the time is over; and what the call raises."""
        if not self._free.acquire(blocking=False):
            raise unavailable(f"too much is under way ({self._name})")
        future = self._pool.submit(call, *args, **kwargs)
        future.add_done_callback(lambda _: self._free.release())
        ended = asyncio.wrap_future(future)
        ended.add_done_callback(_heard)
        try:
            await asyncio.wait([ended], timeout=self._seconds)
            if ended.done():
                return ended.result()
        finally:
            begun = not future.cancel()
        may_be = "what was asked for may still be done" if begun else "it was not begun"
        raise unavailable(f"no end within {self._seconds:g} s ({self._name}); {may_be}")

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _heard(future: asyncio.Future[T]) -> None:
    """So that asyncio does not complain of an error that nobody is left to ask for."""
    if not future.cancelled():
        future.exception()
