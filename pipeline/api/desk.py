"""What every route has at hand: the parts, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ParamSpec, TypeVar

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from pipeline.access import Caller
from pipeline.api.audited import Audited
from pipeline.api.parts import Parts
from pipeline.api.problems import unavailable
from pipeline.api.readiness import Checks
from pipeline.api.rollouts import Rollouts
from pipeline.api.steering import Steering
from pipeline.api.threads import Threads
from pipeline.watch.site import SiteView

P = ParamSpec("P")
T = TypeVar("T")
CHANGES = 8  # under way at once
READS, REFUSALS, WAITING = 4, 1, 60  # whoever may only read keeps nobody from changing
CALL_SECONDS = 20.0
PROBES = 2
PROBE_SECONDS = 30.0

bearer = HTTPBearer(auto_error=False, description="A token of api.tokens; none where the API is open on its machine.")
"""For OpenAPI alone: the guard asks for the token before any route is looked for."""


class Desk:
    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.audited = Audited(parts.settings.site, parts.audit, parts.there, parts.now, parts.clock)
        self.steering = Steering(parts, self.audited)
        self.rollouts = Rollouts(parts, self.audited)
        self.checks = Checks(parts.checks, parts.now, parts.clock)
        self.changes = Threads("changes", CHANGES, CALL_SECONDS)
        self.reads = Threads("reads", READS, CALL_SECONDS, WAITING)
        self.refusals = Threads("refusals", REFUSALS, CALL_SECONDS, WAITING)
        self.probes = Threads("probes", PROBES, PROBE_SECONDS)

    def look(self, at: Callable[[SiteView], T]) -> T:
        """Something of what is known of the site now. Raises Refused (503) where that is not all there is."""
        self.check()
        with self.parts.watched.reading() as view:
            return at(view)

    def check(self) -> None:
        """Whoever reads or changes something has to know all there is. Raises Refused (503)."""
        feed = self.parts.watched.feed
        if feed.away_since is not None:
            raise unavailable(f"Kafka is away since {feed.away_since:%H:%M:%S} UTC: {feed.reason}")
        if feed.known_at is None:
            raise unavailable("the topics are still being read")

    def close(self) -> None:
        for pool in (self.checks, self.changes, self.reads, self.refusals, self.probes):
            pool.close()


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


AtDesk = Annotated[Desk, Depends(_desk)]
By = Annotated[Caller, Depends(_caller)]
