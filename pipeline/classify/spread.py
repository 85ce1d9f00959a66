"""Several servers of the same model as one: each request goes to the one that has least to do, and is well.

A server that failed rests, longer each time, and then shows with one request that it is well again before it is given
more. A request that failed goes to another server at once; none is ever sent to two at the same time. Answers name the
model that made them, so a server with another model is one that fails.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pipeline.classify.classifier import Classifier, Crop, Scored
from pipeline.errors import ClassifierUnavailable

log = logging.getLogger(__name__)

REST_SECONDS = (1.0, 30.0)  # after a first failure, and at most


@dataclass(slots=True)
class _Server:
    name: str
    classifier: Classifier
    asked: int = 0  # requests under way
    rests_until: float = 0.0
    rest: float = 0.0  # the last one; 0: it is well

    def takes(self, now: float) -> bool:
        """Whether it may be asked: it is well, or has rested and is not being tried."""
        return not self.rest or (now >= self.rests_until and not self.asked)


class Spread:
    """See Classifier. `servers`: by address, all of the same model; they are closed with this one."""

    def __init__(self, servers: dict[str, Classifier], clock: Callable[[], float] = time.monotonic) -> None:
        self._servers = [_Server(name, classifier) for name, classifier in servers.items()]
        self._clock = clock
        self._lock = threading.Lock()
        first = self._servers[0].classifier
        self.model, self.crop, self.abstain_below = first.model, first.crop, first.abstain_below

    def classify(self, crops: Sequence[Crop]) -> Scored:
        """Raises ClassifierUnavailable when no server is left that could be asked."""
        failed: dict[str, str] = {}
        while (server := self._take(failed)) is not None:
            try:
                scored = server.classifier.classify(crops)
            except ClassifierUnavailable as error:
                failed[server.name] = error.message
                self._give_back(server, error.message)
            except BaseException:
                self._give_back(server, None)
                raise
            else:
                self._give_back(server, "")
                return scored
        why = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
        raise ClassifierUnavailable(why or "all model servers have failed, and rest for some seconds")

    def close(self) -> None:
        for server in self._servers:
            with suppress(Exception):  # the others are to be closed as well
                server.classifier.close()

    def _take(self, failed: dict[str, str]) -> _Server | None:
        """The one to ask next: of those that may be asked and have not failed just now, the one with least to do."""
        with self._lock:
            now = self._clock()
            able = [server for server in self._servers if server.name not in failed and server.takes(now)]
            if not able:
                return None
            server = min(able, key=lambda each: each.asked)
            server.asked += 1
            self._servers.remove(server)  # last among equals the next time
            self._servers.append(server)
            return server

    def _give_back(self, server: _Server, failure: str | None) -> None:
        """`failure`: why it could not answer, "" when it did, None when that says nothing of it."""
        with self._lock:
            server.asked -= 1
            if failure:
                first, longest = REST_SECONDS
                if not server.rest:
                    log.warning("model server %s rests: %s", server.name, failure)
                server.rest = min(2 * server.rest or first, longest)
                server.rests_until = self._clock() + server.rest
            elif failure == "" and server.rest:
                log.warning("model server %s answers again", server.name)
                server.rest = 0.0
