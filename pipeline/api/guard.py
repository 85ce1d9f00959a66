"""What stands before every route: who asks, how often, how much, and what every answer carries.

Nothing is open that is not named here: every path needs a token, every method but the reading ones an operator's.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.access import Access, Caller, asked_here
from pipeline.api.problems import Refused, answer, told
from pipeline.limits import Limits, stranger
from pipeline.settings import AccessRole, ApiSettings

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/v1/openapi.json"})
READING = frozenset({"GET", "HEAD", "OPTIONS"})
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
BODY_SECONDS = 10.0
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
Denied = Callable[[Caller, str, str], Awaitable[None]]
"""Told of a caller who may not, what was asked, and why not."""
Measure = Callable[[str, int, float], None]
"""Told of each request: its route, "" for none, what it was answered, and how long that took, in seconds."""


def needed(method: str, path: str) -> AccessRole | None:
    """The role that a request takes; None: none."""
    if path in OPEN_PATHS and method in READING:
        return None
    return "viewer" if method in READING else "operator"


class Guard:
    """ASGI. `clock`: seconds of any clock."""

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        settings: ApiSettings,
        clock: Callable[[], float],
        denied: Denied,
        measure: Measure,
    ) -> None:
        self._app = app
        self._access = access
        self._settings = settings
        self._clock = clock
        self._denied = denied
        self._measure = measure
        self._limits = Limits(settings.requests_per_second, settings.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        outlet, began = _Outlet(send), self._clock()
        try:
            scope["state"]["caller"] = await self._admit(scope, headers)
            end = asyncio.get_running_loop().time() + BODY_SECONDS
            body = _Body(receive, self._settings.max_body_kibibytes * 1024, end)
            await self._app(scope, body, outlet)
        except Exception as error:
            refused = told(error)
            if refused.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
                log.exception("request %s: %s %r", request_id, scope["method"], scope["path"])
            if not outlet.status:
                log.info("request %s: %s %r: %s", request_id, scope["method"], scope["path"], refused.detail)
                await answer(refused, request_id)(scope, receive, outlet)
        finally:
            self._measure(getattr(scope.get("route"), "path", ""), outlet.status, self._clock() - began)

    async def _admit(self, scope: Scope, headers: Headers) -> Caller | None:
        """Raises Refused."""
        given = headers.getlist("authorization")
        caller = self._access.who(given[0] if len(given) == 1 else None)  # of two nobody knows which one counts
        self._check_rate(scope, caller)
        if self._access.open and not asked_here(headers.get("host"), self._settings):
            what = "Host: not a name of this machine; api.names in the settings adds one, api.tokens lets others in"
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, what)
        role = needed(scope["method"], scope["path"])
        if role is not None:
            await self._check_role(scope, caller, role)
        await self._check_body(scope, headers, caller)
        return caller

    def _check_rate(self, scope: Scope, caller: Caller | None) -> None:
        known = caller is not None and not self._access.open
        key = f"token {caller.name}" if caller and known else stranger(scope.get("client"))
        wait = self._limits.take(key, self._clock())
        if wait:
            detail = f"more than {self._settings.requests_per_second:g} requests a second"
            headers = {"Retry-After": str(math.ceil(wait))}
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, detail, headers=headers)

    async def _check_role(self, scope: Scope, caller: Caller | None, role: AccessRole) -> None:
        if caller is None:
            what = "Authorization: a bearer token that is known is needed; api.tokens in the settings names them"
            raise Refused(HTTPStatus.UNAUTHORIZED, what, headers={"WWW-Authenticate": "Bearer"})
        if not caller.may(role):
            await self._denied(caller, f"{scope['method']} {scope['path']}", f"a {caller.role} may not")
            raise Refused(HTTPStatus.FORBIDDEN, f"{caller.name} is a {caller.role}; this takes an {role}")

    async def _check_body(self, scope: Scope, headers: Headers, caller: Caller | None) -> None:
        """A form of some page of the web can be sent here by a browser, JSON cannot."""
        if scope["method"] not in WITH_BODY:
            return
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            what = "Content-Type: application/json, please; the body may be {}"
            if caller is not None:
                await self._denied(caller, f"{scope['method']} {scope['path']}", what)
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, what)


class _Outlet:
    """The way out: every answer carries the same headers."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


@dataclass(slots=True)
class _Body:
    """The way in: `left` bytes, until `end` by the loop's time. Raises Refused within whoever reads it."""

    receive: Receive
    left: int
    end: float
    ended: bool = False

    async def __call__(self) -> Message:
        if self.ended:  # what is waited for now is that the client goes away
            return await self.receive()
        try:
            async with asyncio.timeout_at(self.end):
                message = await self.receive()
        except TimeoutError:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, f"the body did not come within {BODY_SECONDS:g} s") from None
        self.left -= len(message.get("body", b""))
        if self.left < 0:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large; see api.max_body_kibibytes")
        self.ended = not message.get("more_body", False)
        return message


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid4().hex
