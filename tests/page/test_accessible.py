"""axe-core finds no serious or critical violation, in any view and theme."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.page.browser import opened
from tests.page.conftest import Shown
from tests.page.running import dashboard

pytestmark = pytest.mark.slow

LONG = 60_000.0
BAD = ("serious", "critical")
VIEWS = {
    "/": ".tile",
    "/camera/room-101": "tbody tr",
    "/zone/bed-101": "tbody tr",
    "/site": ".heat-names li",
    "/system": "tr[data-state]",
}


def violations(page: Page) -> list[tuple[str, str, list[Any]]]:
    found = Axe().run(page).response["violations"]
    return [
        (each["id"], each["impact"], [node["target"] for node in each["nodes"][:3]])
        for each in found
        if each["impact"] in BAD
    ]


def in_both_themes(page: Page) -> None:
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert violations(page) == [], theme


def test_views(chromium: Browser, four: Shown) -> None:
    with opened(chromium, four.address, "/system") as shown:
        for path, there in VIEWS.items():
            shown.page.goto(four.address + path)
            expect(shown.page.locator(there).first).to_be_visible(timeout=LONG)
            in_both_themes(shown.page)
        shown.page.goto(four.address)
        shown.page.get_by_role("button", name="Add camera").click()
        shown.page.get_by_text("More", exact=True).click()
        in_both_themes(shown.page)


def test_the_login(chromium: Browser, four: Shown, tmp_path: Path) -> None:
    token = "a-token-of-these-tests"
    access = {"tokens": [{"name": "vera", "role": "viewer", "token": token}]}
    with (
        dashboard(four.kafka, "house-elm", tmp_path, api=access) as address,
        opened(chromium, address, "/site") as shown,
    ):
        page = shown.page
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.get_by_label("Token").fill("not-this-one")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_have_text("That token is not known. Check it and try again.")
        in_both_themes(page)
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="house-elm")).to_be_visible(timeout=LONG)
        page.get_by_role("link", name="Wall").click()
        expect(page.locator(".tile").first).to_be_visible(timeout=LONG)
        expect(page.get_by_role("button", name="Add camera")).to_be_hidden()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Token")).to_be_visible()
        assert [url for url in asked if token in url] == []
        assert shown.noted.elsewhere == []
        assert [each for each in shown.noted.errors if "401" not in each] == []
