"""What is told of a request that comes to nothing: problem+json (RFC 9457), whatever went wrong.

No answer holds what the request held, a traceback, or a secret.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from kafka.errors import KafkaError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from pipeline.cameras.changes import NotAdded, UnknownCamera
from pipeline.errors import ClassifierUnavailable, DependencyError, EmostreamError
from pipeline.rollout.stages import WrongStage

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5


class Fault(BaseModel):
    """One thing that is wrong with the request."""

    pointer: str = Field(description="where, such as /body/fps or /query/since")
    detail: str


class Problem(BaseModel):
    """RFC 9457. `request_id`: what the log knows the request by."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[Fault] = Field(default_factory=list)
    request_id: str = ""


class Refused(HTTPException):
    """A request that comes to nothing: `detail` says why, and what to do."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.faults = list(faults)
        self.recorded = False  # in the audit log


GENERAL = {HTTPStatus.NOT_FOUND: "nothing is at this path; /v1/openapi.json says what there is"}
"""Details of what no route has said more of."""


def unavailable(detail: str) -> Refused:
    """Something that it takes is away; asking again later may help."""
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_SECONDS)})


def answer(refused: HTTPException, request_id: str) -> Response:
    status = HTTPStatus(refused.status_code)
    detail = GENERAL.get(status, "") if refused.detail == status.phrase else str(refused.detail)
    faults = refused.faults if isinstance(refused, Refused) else []
    problem = Problem(title=status.phrase, status=status, detail=detail, errors=faults, request_id=request_id)
    return Response(problem.model_dump_json(), status, refused.headers, MEDIA_TYPE)


def said(refused: HTTPException) -> str:
    """In one line."""
    faults = refused.faults if isinstance(refused, Refused) else []
    return "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults) or str(refused.detail)


def told(error: Exception) -> HTTPException:
    """How an error is told to whoever asked."""
    match error:
        case HTTPException():
            return error
        case RequestValidationError():
            faults = [Fault(pointer=_pointer(each["loc"]), detail=str(each["msg"])) for each in error.errors()]
            what = "the request does not fit its description; `errors` says where"
            return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, what, faults=faults)
        case DependencyError() | ClassifierUnavailable():
            return unavailable(str(error))
        case KafkaError():
            return unavailable("Kafka does not answer")
        case UnknownCamera():
            return Refused(HTTPStatus.NOT_FOUND, error.message)
        case NotAdded() | WrongStage():
            return Refused(HTTPStatus.CONFLICT, str(error))
        case EmostreamError():
            return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        case _:
            return Refused(
                HTTPStatus.INTERNAL_SERVER_ERROR, "an error of emostream's own; its log knows the request_id"
            )


def install(app: FastAPI, note: Callable[[Request, HTTPException], Awaitable[None]]) -> None:
    """`note`: told of each, before it is answered."""

    async def handle(request: Request, error: Exception) -> Response:
        refused = told(error)
        if refused.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            refused.headers = {"Allow": _allowed(app, request)}
        await note(request, refused)
        return answer(refused, request.state.request_id)

    for kind in (HTTPException, RequestValidationError, EmostreamError, KafkaError, Exception):
        app.add_exception_handler(kind, handle)


_CONTENT = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "refused; `detail` says why", **_CONTENT},
    "5XX": {"description": "something that it takes is away; `Retry-After` says when to ask again", **_CONTENT},
}
"""For OpenAPI: what any request may come to."""


def _allowed(app: FastAPI, request: Request) -> str:
    """Starlette names the methods of one route alone, and a path has as many routes as methods."""
    described = app.openapi()["paths"].get(getattr(request.scope.get("route"), "path", ""), {"get": None})
    return ", ".join(sorted(method.upper() for method in described))


def _pointer(location: Sequence[int | str]) -> str:
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in location)
