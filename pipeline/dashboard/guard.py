"""What stands before everything the page's server serves: by which name it is asked, from which page, by whom."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.access import Access, Caller, asked_here
from pipeline.limits import Limits, stranger
from pipeline.settings import ApiSettings

COOKIE = "emostream"
OPEN_PATHS = frozenset({"/login", "/healthz"})
OPEN_FOLDER = "/static/"
READING = frozenset({"GET", "HEAD"})
MACHINE_PATHS = ("/api/", "/data/", "/live", "/previews/")
FORBIDDEN = 1008
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "referrer-policy": "same-origin",  # with none, browsers name no origin where the login's form is sent
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guard:
    """ASGI. Behind it `scope["state"]["caller"]` is whoever asks, None at the open paths alone."""

    def __init__(self, app: ASGIApp, access: Access, here: ApiSettings, clock: Callable[[], float]) -> None:
        """`here`: under which names it may be asked, while it has no tokens, and how often without one of them.
        `clock`: seconds of any clock."""
        self._app = app
        self._access = access
        self._here = here
        self._clock = clock
        self._limits = Limits(here.requests_per_second, here.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refusal(scope, headers)
        if refused is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": FORBIDDEN})
        else:
            await refused(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        if self._access.open and not asked_here(headers.get("host"), self._here):
            what = "it is not asked under this machine's name; dashboard.names in the settings adds one"
            return _refused(HTTPStatus.MISDIRECTED_REQUEST, what)
        if not _same_origin(scope, headers):
            return _refused(HTTPStatus.FORBIDDEN, "asked from another site's page")
        caller = self._access.who(f"Bearer {token_of(headers)}")
        scope.setdefault("state", {})["caller"] = caller
        path: str = scope["path"]
        if caller is not None or path.startswith(OPEN_FOLDER):
            return None
        if wait := self._limits.take(stranger(scope.get("client")), self._clock()):  # tokens are not to be guessed
            return _refused(HTTPStatus.TOO_MANY_REQUESTS, "too often", {"Retry-After": str(math.ceil(wait))})
        if path in OPEN_PATHS:
            return None
        if path.startswith(MACHINE_PATHS) or scope["type"] == "websocket" or scope["method"] not in READING:
            return _refused(HTTPStatus.UNAUTHORIZED, "log in first")
        return RedirectResponse(f"/login?next={quote(path)}", HTTPStatus.SEE_OTHER)


def token_of(headers: Headers) -> str:
    """What the request brings to be known by: the page's cookie, or what a program sends; "" for nothing."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def may_change(caller: Caller | None) -> bool:
    return caller is not None and caller.may("operator")


def _same_origin(scope: Scope, headers: Headers) -> bool:
    """Whether a browser may send this: pages of others may neither change anything nor listen."""
    if scope["type"] == "http" and scope["method"] in READING:
        return True
    origin = headers.get("origin")
    if origin is not None:
        return origin.partition("://")[2].lower() == headers.get("host", "").lower() != ""
    return headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _refused(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return JSONResponse(problem, status, headers, media_type="application/problem+json")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending
