"""Windows read back: those of the last hours."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from pipeline.api.desk import AtDesk, Desk
from pipeline.api.paging import Wish, page
from pipeline.api.shapes import Name, Windows
from pipeline.messages import Scope

router = APIRouter(prefix="/v1/windows", tags=["windows"])

USUAL = timedelta(hours=1)
MOST = 500


@router.get("")
async def list_windows(
    desk: AtDesk,
    scope: Annotated[Scope | None, Query(description="what a window speaks of")] = None,
    id: Annotated[Name | None, Query(description="name of the camera, zone or site")] = None,  # noqa: A002
    spec: Annotated[str | None, Query(max_length=32, description="kind of window, such as 60s or 300s/60s")] = None,
    since: Annotated[AwareDatetime | None, Query(description="that start then or later; none: an hour ago")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    after: Annotated[str | None, Query(max_length=400, description="`next` of the page before")] = None,
) -> Windows:
    """Oldest first, each in its last revision. The topic `emotion-windows` keeps them for longer."""
    start = desk.parts.now() - USUAL if since is None else since
    return await desk.threads.run(_told, desk, Wish(scope, id, spec, start, after), limit)


def _told(desk: Desk, wish: Wish, limit: int) -> Windows:
    kept, following = desk.look(lambda view: page(view.windows, wish, limit))
    return Windows(windows=[each.window() for each in kept], next=following)
