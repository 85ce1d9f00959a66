"""Changes to what stands on a topic: one at a time, and each on all that came before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.api.audited import Audited, Deed
from pipeline.api.parts import Parts
from pipeline.api.problems import unavailable
from pipeline.watch.site import SiteView

SEEN_SECONDS = 3.0  # for a change to come back from the topic: who asks next is told of it
POLL_SECONDS = 0.01
ONE_AT_A_TIME_SECONDS = 5.0


class Changes:
    """Of one kind. Blocks: call it from a thread."""

    def __init__(self, parts: Parts, audited: Audited) -> None:
        self._parts = parts
        self._audited = audited
        self._lock = threading.Lock()

    @contextmanager
    def one(self, deed: Deed) -> Iterator[None]:
        """Nobody else changes anything meanwhile. Raises Refused; who is refused is written down."""
        if not self._lock.acquire(timeout=ONE_AT_A_TIME_SECONDS):
            raise unavailable("another change is under way")
        try:
            with self._audited.refusing(deed):
                yield
        finally:
            self._lock.release()

    def wait(self, seen: Callable[[SiteView], bool]) -> None:
        """Until we have read it back ourselves; given up soon, as it is written all the same."""
        give_up, pause = self._parts.clock() + SEEN_SECONDS, threading.Event()
        while self._parts.clock() < give_up:
            with self._parts.watched.reading() as view:
                if seen(view):
                    return
            pause.wait(POLL_SECONDS)
