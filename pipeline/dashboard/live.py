"""The live connection: open pages are told what is new, about once a second.

Nothing queues up: whoever is slow is told less often, and then of everything since.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from pipeline.dashboard import payload
from pipeline.dashboard.deltas import Deltas

log = logging.getLogger(__name__)

SEND_SECONDS = 15.0  # a page that takes nothing for so long is gone
TRY_AGAIN_LATER = 1013

Picture = Callable[[datetime], dict[str, Any]]


class Live:
    """`picture`: what is known as of a moment, see picture.py. `run` it as long as pages may come."""

    def __init__(self, picture: Picture, every: float, most: int, opened: Callable[[int], None]) -> None:
        """`most`: pages at once. `opened`: is told how many there are."""
        self._picture = picture
        self._every = every
        self._most = most
        self._opened = opened
        self._deltas = Deltas()
        self._encoded: dict[int, str] = {}  # by the version it starts from, of the version we are at
        self._changed = asyncio.Condition()
        self._pages = 0

    async def run(self) -> None:
        while True:
            try:
                values = await asyncio.to_thread(self._picture, datetime.now(UTC))
            except Exception:
                log.exception("the page's picture could not be made")
            else:
                await self._take(values)
            await asyncio.sleep(self._every)

    async def serve(self, socket: WebSocket) -> None:
        """One open page, until it goes."""
        await socket.accept()
        if self._pages >= self._most:
            await socket.close(TRY_AGAIN_LATER, "too many pages are open")
            return
        self._count(1)
        listening = asyncio.create_task(_listen(socket))
        telling = asyncio.create_task(self._tell(socket))
        try:
            await asyncio.wait({listening, telling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._count(-1)
            for task in (listening, telling):
                task.cancel()
            await asyncio.gather(listening, telling, return_exceptions=True)

    async def _take(self, values: dict[str, Any]) -> None:
        async with self._changed:
            before = self._deltas.version
            self._deltas.update(values)
            if self._deltas.version != before:
                self._encoded.clear()
            self._changed.notify_all()  # also when nothing is new: pages know by it that we are there

    async def _tell(self, socket: WebSocket) -> None:
        version = 0
        while True:
            if self._deltas.version:
                text = self._text(version)
                version = self._deltas.version
                await asyncio.wait_for(socket.send_text(text), SEND_SECONDS)
            async with self._changed:
                await self._changed.wait()

    def _text(self, version: int) -> str:
        text = self._encoded.get(version)
        if text is None:
            delta = self._deltas.since(version)
            said = {"whole": delta.whole, "changed": delta.changed, "gone": delta.gone}
            text = self._encoded[version] = json.dumps(said, separators=(",", ":"), ensure_ascii=False)
        now = payload.milliseconds(datetime.now(UTC))
        return f'{{"now":{now},{text[1:]}'

    def _count(self, change: int) -> None:
        self._pages += change
        self._opened(self._pages)


async def _listen(socket: WebSocket) -> None:
    """A page has nothing to say: what counts is that it goes."""
    try:
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, KeyError, RuntimeError):
        return
