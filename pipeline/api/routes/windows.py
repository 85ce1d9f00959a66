"""Windows read back: those of the last hours."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from pipeline.api.desk import AtDesk, Desk
from pipeline.api.paging import Wish, page
from pipeline.api.shapes import Windows, WindowsAsked

router = APIRouter(prefix="/v1/windows", tags=["windows"])

USUAL = timedelta(hours=1)


@router.get("")
async def list_windows(desk: AtDesk, asked: Annotated[WindowsAsked, Query()]) -> Windows:
    """Oldest first, each in its last revision. The topic `emotion-windows` keeps them for longer."""
    since = desk.parts.now() - USUAL if asked.since is None else asked.since
    wish = Wish(asked.scope, asked.id, asked.spec, since, asked.after)
    return await desk.reads.run(_told, desk, wish, asked.limit)


def _told(desk: Desk, wish: Wish, limit: int) -> Windows:
    known = desk.look(lambda view: view.windows.all())  # searched when nobody waits for it any more
    kept, following = page(known, wish, limit)
    return Windows(windows=[each.window() for each in kept], next=following)
