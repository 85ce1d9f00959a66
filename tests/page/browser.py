"""A real Chromium that notes whatever goes wrong in a page, and every request that leaves for another host."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, WebSocket, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 30_000.0  # ms, for whatever takes no time on a machine that has nothing else to do
DESKTOP = (1440, 900)
PHONE = (360, 740)
expect.set_options(timeout=PATIENCE)


def chromium() -> str:
    """Its path; the test is skipped where there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium on this machine: apt-get install chromium")


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield started
        finally:
            started.close()


@dataclass
class Noted:
    """What went wrong while a page was open."""

    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def none(self) -> None:
        assert self.errors == []
        assert self.elsewhere == []


@dataclass
class Opened:
    page: Page
    noted: Noted


@contextmanager
def opened(
    started: Browser, address: str, path: str = "/", size: tuple[int, int] = DESKTOP, **options: object
) -> Iterator[Opened]:
    """A page of its own, on which nothing of another is kept. `options`: of the browser's context."""
    context = started.new_context(viewport={"width": size[0], "height": size[1]}, **options)  # type: ignore[arg-type]
    try:
        context.set_default_timeout(2 * PATIENCE)
        noted = _note(context, urlsplit(address).netloc)
        page = context.new_page()
        page.goto(address + path)
        try:
            yield Opened(page, noted)
        except BaseException as error:
            error.add_note(f"what went wrong in the page: {noted}")
            raise
    finally:
        context.close()


def _note(context: BrowserContext, host: str) -> Noted:
    noted = Noted()

    def route(asked: Route) -> None:
        if urlsplit(asked.request.url).netloc == host:
            asked.continue_()
        else:
            noted.elsewhere.append(asked.request.url)
            asked.abort()

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            noted.errors.append(f"console {message.type}: {message.text}")

    def talked(socket: WebSocket) -> None:
        if urlsplit(socket.url).netloc != host:
            noted.elsewhere.append(socket.url)

    context.route("**/*", route)
    context.on("page", lambda page: page.on("websocket", talked))
    context.on("console", said)
    context.on("weberror", lambda error: noted.errors.append(f"page error: {error.error}"))
    return noted
