"""The page's server: a shell, what is known as JSON, pictures, the live connection, and the way to the API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

import httpx
from fastapi import FastAPI, HTTPException, Query, Request, Response, WebSocket
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from pipeline import __version__
from pipeline.access import Access
from pipeline.analyze.jpeg import size_of
from pipeline.dashboard import history
from pipeline.dashboard.forward import Forward
from pipeline.dashboard.guard import COOKIE, Guard
from pipeline.dashboard.live import Live
from pipeline.dashboard.picture import as_of
from pipeline.errors import BadRecord
from pipeline.messages import LABELS, Scope
from pipeline.settings import Settings
from pipeline.watch.follow import Follower

STATIC = Path(__file__).parent / "static"
VIEWS = ("/", "/site", "/system", "/camera/{name}", "/zone/{name}")
LOGIN_BYTES = 4096
REMEMBERED = timedelta(days=30)
LARGEST_SIDE = 64  # pixels of a preview; ours have 16 at most
Version = Annotated[int, Query(ge=0)]
Name = Annotated[str, Query(min_length=1, max_length=255)]


@dataclass(frozen=True)
class Served:
    """What the page is made from. `opened`: is told how many pages are open."""

    settings: Settings
    follower: Follower
    access: Access
    api_url: str
    opened: Callable[[int], None]


def application(served: Served) -> Guard:
    settings = served.settings
    live = Live(
        lambda now: _picture(served.follower, now),
        settings.dashboard.refresh_seconds,
        settings.dashboard.connections,
        served.opened,
    )

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=45.0, trust_env=False) as client:
            app.state.forward = Forward(client, served.api_url)
            ticking = asyncio.create_task(live.run())
            yield
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking

    app = FastAPI(openapi_url=None, lifespan=running)
    _add_pages(app, served)
    _add_data(app, served)
    _add_connections(app, served, live)
    app.mount("/static", Files(directory=STATIC))
    here = settings.api.model_copy(update={"host": settings.dashboard.host, "names": settings.dashboard.names})
    return Guard(app, served.access, here, time.monotonic)


class Files(StaticFiles):
    """Asked for again each time, and not sent again unless they changed: an update shows at once."""

    async def get_response(self, path: str, scope: Any) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response


def _add_pages(app: FastAPI, served: Served) -> None:
    shell, login = ((STATIC / name).read_text() for name in ("index.html", "login.html"))

    async def page() -> HTMLResponse:
        return HTMLResponse(shell)

    for path in VIEWS:
        app.add_api_route(path, page, methods=["GET"])

    def login_page(after: str, wrong: bool) -> HTMLResponse:
        said = '<p class="wrong" role="alert">That token is not known. Check it and try again.</p>' if wrong else ""
        html = login.replace("<!--wrong-->", said).replace("<!--next-->", escape(_inside(after)))
        return HTMLResponse(html, HTTPStatus.UNAUTHORIZED if wrong else HTTPStatus.OK)

    @app.get("/login", response_model=None)
    async def ask_login(request: Request, next: str = "/") -> Response:  # noqa: A002  # as the address has it
        known = request.state.caller is not None
        return RedirectResponse(_inside(next), HTTPStatus.SEE_OTHER) if known else login_page(next, wrong=False)

    @app.post("/login", response_model=None)
    async def log_in(request: Request) -> Response:
        form = await _form(request)
        token = form.get("token", "").strip()
        if served.access.who(f"Bearer {token}") is None:
            return login_page(form.get("next", "/"), wrong=True)
        response = RedirectResponse(_inside(form.get("next", "/")), HTTPStatus.SEE_OTHER)
        secure = request.url.scheme == "https"
        seconds = int(REMEMBERED.total_seconds())
        response.set_cookie(COOKIE, token, max_age=seconds, httponly=True, samesite="strict", secure=secure)
        return response

    @app.post("/logout", response_model=None)
    async def log_out() -> Response:
        response = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response


def _add_data(app: FastAPI, served: Served) -> None:
    follower, settings = served.follower, served.settings

    @app.get("/healthz")
    async def alive() -> dict[str, Any]:
        return {"alive": True, "version": __version__}

    @app.get("/data/start")
    async def start(request: Request) -> dict[str, Any]:
        """What does not change while the page is open."""
        caller = request.state.caller
        return {
            "site": settings.site,
            "timezone": settings.timezone,
            "labels": LABELS,
            "hours": settings.watch.hours,
            "faces": not settings.privacy.aggregates,
            "zones": [{"id": zone.id, "camera": zone.camera, "polygon": zone.polygon} for zone in settings.zones],
            "you": {"name": caller.name, "role": caller.role, "token": not served.access.open},
            "version": __version__,
        }

    @app.get("/data/history")
    def past(scope: Scope, id: Name, spec: str = "", after: Version = 0) -> dict[str, Any]:  # noqa: A002
        with follower.reading() as view:
            found = history.specs(view)
            chosen = spec if spec in found else next(iter(found), "")
            kept, alerts, version = history.timeline(view, scope, id, chosen, after)
        return {"spec": chosen, "specs": found, **history.told(kept, alerts, version)}

    @app.get("/data/heat")
    def heat(spec: str = "", after: Version = 0) -> dict[str, Any]:
        with follower.reading() as view:
            found = history.specs(view)
            chosen = spec if spec in found else next(iter(found), "")
            return {"spec": chosen, "specs": found, **history.heat(view, chosen, after)}

    @app.get("/data/flow")
    def flow() -> dict[str, Any]:
        from pipeline.dashboard.payload import flow as points

        feed = follower.feed
        with follower.reading() as view:
            return {"points": points(view.flow.points(feed.away_since or datetime.now(UTC)))}

    @app.get("/previews/{camera}", response_model=None)
    async def preview(camera: str) -> Response:
        with follower.reading() as view:
            shown = view.shown_preview(camera)
        if shown is None or not _is_small(shown.jpeg):
            return Response(status_code=HTTPStatus.NO_CONTENT)  # no error: a camera may go while its picture is asked
        return Response(shown.jpeg, media_type="image/jpeg", headers={"etag": f'"{shown.session}-{shown.seq}"'})


def _add_connections(app: FastAPI, served: Served, live: Live) -> None:
    @app.websocket("/live")
    async def connected(socket: WebSocket) -> None:
        await live.serve(socket)

    async def forwarded(request: Request, path: str) -> Response:
        forward: Forward = app.state.forward
        return await forward(request, path)

    app.add_api_route("/api/{path:path}", forwarded, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])


def _picture(follower: Follower, now: datetime) -> dict[str, Any]:
    feed = follower.feed
    with follower.reading() as view:
        return as_of(view, feed, now)


def _is_small(jpeg: bytes) -> bool:
    """A browser decodes whatever a JPEG says that it is, to the last of its pixels."""
    try:
        return max(size_of(jpeg)) <= LARGEST_SIDE
    except BadRecord:
        return False


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LOGIN_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    fields = parse_qs(body.decode(errors="replace"), max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}


def _inside(path: str) -> str:
    """A path of ours to go on to; "/" for anything else."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
