"""docs/ as a site, in a real Chromium: no page asks another host for anything, pictures are there, search finds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.page.browser import browser, opened
from tests.unit.core.test_docs_site import site

__all__ = ["site"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]
MISSING = "() => [...document.images].filter(image => !image.complete || !image.naturalWidth).map(image => image.src)"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def search(page: Page, words: str) -> None:
    page.locator(".md-search__input").click()
    page.locator(".md-search__input").press_sequentially(words)


def test_every_page_is_whole_without_another_host(site: Path, address: str) -> None:
    pages = sorted(page.parent.relative_to(site).as_posix() for page in site.rglob("index.html"))
    assert len(pages) > 30
    with browser() as started, opened(started, address) as shown:
        for page in pages:
            shown.page.goto(f"{address}/{page}/", wait_until="load")
            assert shown.page.evaluate(MISSING) == [], page
        shown.noted.none()


def test_search_finds_a_runbook(address: str) -> None:
    with browser() as started, opened(started, address) as shown:
        search(shown.page, "FramesNearExpiry")
        found = shown.page.locator("a.md-search-result__link", has_text="FramesNearExpiry").first
        expect(found).to_be_visible()
        found.click()
        expect(shown.page).to_have_url(f"{address}/operations/?h=framesnearexpiry#framesnearexpiry")
        shown.noted.none()
