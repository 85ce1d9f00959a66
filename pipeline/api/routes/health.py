"""Whether the API lives, and whether the system can do its job. No token is asked for."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Response

from pipeline import __version__
from pipeline.api.desk import AtDesk
from pipeline.api.problems import RETRY_SECONDS
from pipeline.api.shapes import Alive, Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def tell_alive() -> Alive:
    return Alive(version=__version__)


@router.get("/readyz", responses={503: {"model": Readiness, "description": "not ready; each check says what it found"}})
async def tell_ready(desk: AtDesk, response: Response) -> Readiness:
    """Kafka answers, the model reads a made-up face, and the analyzers keep up."""
    readiness = await desk.checks.readiness()
    if not readiness.ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return readiness
