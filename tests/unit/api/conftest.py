"""The API on a site of its own making: what is written is known at once, as if Kafka had been read back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from pipeline.access import Access
from pipeline.aggregate.ask import Target
from pipeline.api.app import create
from pipeline.api.parts import Parts
from pipeline.api.readiness import Check
from pipeline.capture.probe import Probed
from pipeline.errors import ClassifierUnavailable, DependencyError, SourceError
from pipeline.messages import AuditRecord, CameraState, CameraStatus, DesiredCamera, Rollout, ServedModel
from pipeline.settings import Settings, load
from pipeline.watch.follow import Feed
from pipeline.watch.site import SiteView
from tests.unit.rollout.rollouts import LIVE, NEXT, served

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
TOKENS = {"ada": "operator-token-0123456789", "vera": "viewer-token-0123456789"}
WITH_TOKENS = {
    "host": "0.0.0.0",
    "tokens": [
        {"name": "ada", "role": "operator", "token": TOKENS["ada"]},
        {"name": "vera", "role": "viewer", "token": TOKENS["vera"]},
    ],
}


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[name]}"}


@dataclass
class Room:
    """A registry and a watcher in one. `away`: Kafka is. `mute`: it takes nothing for the audit log."""

    view: SiteView = field(
        default_factory=lambda: SiteView("site", span=timedelta(hours=6), most_windows=10_000, silent_seconds=10)
    )
    feed: Feed = field(default_factory=lambda: Feed(known_at=NOW))
    audit: list[AuditRecord] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    measured: list[tuple[str, int, float]] = field(default_factory=list)
    away: bool = False
    mute: bool = False
    now: datetime = NOW
    clock: float = 0.0

    @contextmanager
    def reading(self) -> Iterator[SiteView]:
        yield self.view

    def put(self, record: DesiredCamera | Rollout) -> None:
        self._check()
        self.view.apply(record, self.now)

    def remove(self, camera_id: str) -> None:
        self._check()
        self.view.removed(camera_id, self.now)

    def acknowledge(self, alert_id: str, by: str, now: datetime) -> None:
        self.asked.append(("acknowledge", alert_id, by))

    def silence(self, target: Target, until: datetime, by: str, reason: str, now: datetime) -> None:
        self.asked.append(("silence", target, until, by, reason))

    def forget(self, target: Target, by: str, now: datetime) -> None:
        self.asked.append(("forget", target, by))

    def live(self) -> ServedModel:
        return served(LIVE)

    def candidate(self, version: str) -> ServedModel:
        if version != NEXT.version:
            raise ClassifierUnavailable(f"version {version} at 127.0.0.1:7070 does not tell what it is")
        return served(NEXT)

    def probe(self, camera: DesiredCamera) -> Probed:
        if "nobody" in camera.uri:
            raise SourceError("no connection", "is it on?")
        return Probed(b"\xff\xd8 a picture", 1920, 1080)

    def heard(self, camera: str, state: CameraState = CameraState.UP) -> None:
        """A capture process tells of a camera."""
        status = CameraStatus(
            site="site", camera=camera, session=1, at=self.now, state=state, source="rtsp://***@10.0.0.7/1"
        )
        self.view.apply(status, self.now)

    def _check(self) -> None:
        if self.away:
            raise DependencyError("Kafka does not answer", "try again")


@dataclass
class Served:
    room: Room
    app: FastAPI
    guarded: ASGIApp
    client: httpx.AsyncClient
    runner: asyncio.Runner

    def __call__(self, method: str, path: str, json: Any = None, **options: Any) -> httpx.Response:
        body = {} if json is None else {"json": json}
        return self.runner.run(self.client.request(method, path, **body, **options))


Serve = Callable[..., Served]


def settings_of(**api: Any) -> Settings:
    return load(site="site", api=api, alerts=[{"id": "sad", "expressions": ["sad"], "above": 0.5}])


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Makes one: `checks` are those of /readyz, everything else is of the section `api`."""
    runner = asyncio.Runner()

    def make(checks: list[Check] | None = None, base_url: str = "http://127.0.0.1:8400", **api: Any) -> Served:
        room = Room()
        settings = settings_of(**api)

        def write(record: AuditRecord) -> None:
            room._check()
            if room.mute:
                raise DependencyError("the audit log takes nothing")
            room.audit.append(record)

        parts = Parts(
            settings=settings,
            access=Access.of(settings.api),
            watched=room,
            registry=room,
            asking=room,
            models=room,
            audit=write,
            there=lambda: not room.away,
            checks=checks or [Check("kafka", lambda: "answers")],
            probe=room.probe,
            measure=lambda *measured: room.measured.append(measured),
            now=lambda: room.now,
            clock=lambda: room.clock,
        )
        app, guarded = create(parts)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url=base_url)
        return Served(room, app, guarded, client, runner)

    with runner:
        yield make


@pytest.fixture
def site(serve: Serve) -> Served:
    return serve()
