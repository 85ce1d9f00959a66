"""`/api/...`: what the page asks of the control API, sent on with the token of whoever asks."""

from __future__ import annotations

from http import HTTPStatus

import httpx
from fastapi import Request, Response
from starlette.responses import JSONResponse

from pipeline.dashboard.guard import token_of

SENT_ON = ("accept", "content-type", "if-match", "idempotency-key", "x-request-id")
SENT_BACK = ("content-type", "etag", "location", "retry-after", "x-request-id", "x-frame-size", "www-authenticate")
SECONDS = 45.0  # a probe waits for a camera to connect
LARGEST_BODY = 1024 * 1024
LARGEST_ANSWER = 16 * 1024 * 1024


class Forward:
    """`url`: where the API is. It decides who may do what; here is only sent on."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = httpx.URL(url)

    async def __call__(self, request: Request, path: str) -> Response:
        target = _target(request)
        if ".." in path or "\\" in path or not target.startswith(b"/"):  # such as /api%2Fv1
            return _problem(HTTPStatus.NOT_FOUND, "no such path")
        body = await _body(request)
        if body is None:
            return _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {LARGEST_BODY} bytes")
        headers = {name: value for name in SENT_ON if (value := request.headers.get(name)) is not None}
        if token := token_of(request.headers):
            headers["authorization"] = f"Bearer {token}"
        url = self._url.copy_with(raw_path=self._url.raw_path.rstrip(b"/") + target)
        try:
            async with self._client.stream(request.method, url, headers=headers, content=body) as answer:
                return await _answer(answer)
        except httpx.HTTPError as error:
            what = f"the control API at {self._url} does not answer ({type(error).__name__})"
            return _problem(
                HTTPStatus.BAD_GATEWAY, f"{what}; `emostream api` starts it, dashboard.api_url names another"
            )


def _target(request: Request) -> bytes:
    """Path and query as they came, without /api."""
    raw: bytes = request.scope["raw_path"].removeprefix(b"/api")
    query: bytes = request.scope["query_string"]
    return raw + (b"?" + query if query else b"")


async def _body(request: Request) -> bytes | None:
    """None when it is too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return body


async def _answer(answer: httpx.Response) -> Response:
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            return _problem(HTTPStatus.BAD_GATEWAY, "the API's answer is too large")
    headers = {name: value for name in SENT_BACK if (value := answer.headers.get(name)) is not None}
    return Response(body, answer.status_code, headers)


def _problem(status: HTTPStatus, detail: str) -> Response:
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return JSONResponse(problem, status, media_type="application/problem+json")
