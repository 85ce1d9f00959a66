"""The control API as a plain ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from pipeline import __version__
from pipeline.access import Caller
from pipeline.api import problems
from pipeline.api.audited import Deed
from pipeline.api.desk import Desk, bearer
from pipeline.api.guard import READING, Guard
from pipeline.api.parts import Parts
from pipeline.api.problems import RESPONSES, Problem, Refused, said
from pipeline.api.routes import alerts, cameras, health, probe, rollout, status, windows

DESCRIPTION = """\
Steers emostream and tells how it is. Labels are of apparent expressions: they tell nothing of what a person feels.
Errors are problem+json (RFC 9457). Reading takes a token of role viewer, everything else one of role operator."""


class Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """With the one shape that no route names, because every one may answer it."""
        if self.openapi_schema is None:
            document = super().openapi()
            _, told = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
            document["components"]["schemas"] |= told["$defs"]
        return super().openapi()


def create(parts: Parts) -> tuple[FastAPI, ASGIApp]:
    """-> (the routes, the whole application: the routes behind the guard)."""
    desk = Desk(parts)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    app = Api(
        title="emostream",
        version=__version__,
        description=DESCRIPTION,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # both load their scripts from another host
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses=RESPONSES,
    )
    app.state.desk = desk

    async def denied(caller: Caller, asked: str, why: str) -> None:
        with suppress(Refused):  # too busy for it
            await desk.refusals.run(desk.audited.refused, Deed(caller, "api.call", asked), why)

    async def note(request: Request, refused: HTTPException) -> None:
        """A change that came to nothing before its route could say of what."""
        theirs = refused.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and not getattr(refused, "recorded", False)
        if theirs and request.method not in READING:
            await denied(request.state.caller, f"{request.method} {request.url.path}", said(refused))

    problems.install(app, note)
    app.include_router(health.router)
    steered = APIRouter(dependencies=[Depends(bearer)])
    for router in (cameras.router, probe.router, windows.router, alerts.router, status.router, rollout.router):
        steered.include_router(router)
    app.include_router(steered)

    return app, Guard(app, parts.access, parts.settings.api, parts.clock, denied, parts.measure)
