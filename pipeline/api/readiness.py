"""Whether the system can do its job: checks, each with a name and a finding, and how old they may be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from pipeline.api.shapes import Finding, Readiness

log = logging.getLogger(__name__)

KEPT_SECONDS = 3.0
PATIENCE_SECONDS = 5.0
STALE_SECONDS = 10.0  # while somebody waits for checks to end, others are told so old a finding


class NotReady(Exception):
    """What a check found that is not as it should be."""


@dataclass(frozen=True)
class Check:
    """`find`: what it found, in words; raises NotReady. It may block, and is then not ready."""

    name: str
    find: Callable[[], str]


class Checks:
    """All that are asked within KEPT_SECONDS are told the same. A check that hangs is not begun a second time.

    While it hangs one request waits for it: anybody may ask, and whoever waits takes a place from those with changes.
    """

    def __init__(self, checks: Sequence[Check], now: Callable[[], datetime], clock: Callable[[], float]) -> None:
        self._checks = checks
        self._now = now
        self._clock = clock
        self._pool = ThreadPoolExecutor(max(1, len(checks)), "ready")
        self._running: dict[str, Future[Finding]] = {}
        self._last: tuple[float, Readiness] | None = None
        self._one = asyncio.Lock()

    async def readiness(self) -> Readiness:
        if self._one.locked() and self._last is not None and self._clock() - self._last[0] < STALE_SECONDS:
            return self._last[1]
        async with self._one:
            if self._last is None or self._clock() - self._last[0] > KEPT_SECONDS:
                self._last = self._clock(), await self._find()
            return self._last[1]

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _find(self) -> Readiness:
        for check in self._checks:
            begun = self._running.get(check.name)
            if begun is None or begun.done():  # what ended while nobody waited for it tells of then, not of now
                self._running[check.name] = self._pool.submit(_found, check)
        await asyncio.wait([asyncio.wrap_future(found) for found in self._running.values()], timeout=PATIENCE_SECONDS)
        findings = [self._take(check.name) for check in self._checks]
        return Readiness(ready=all(found.ok for found in findings), checked_at=self._now(), checks=findings)

    def _take(self, name: str) -> Finding:
        if not self._running[name].done():
            return Finding(name=name, ok=False, finding=f"no answer within {PATIENCE_SECONDS:g} s")
        return self._running.pop(name).result()


def _found(check: Check) -> Finding:
    try:
        return Finding(name=check.name, ok=True, finding=check.find())
    except NotReady as error:
        return Finding(name=check.name, ok=False, finding=str(error))
    except Exception as error:  # a check that fails otherwise is not ready either; the log says more
        log.warning("check %s: %s", check.name, error)
        return Finding(name=check.name, ok=False, finding=type(error).__name__)
