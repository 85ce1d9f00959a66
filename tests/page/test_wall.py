"""The wall in a real browser: what is to be looked at comes first, and nothing leaves for another host."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.page.browser import PHONE, opened
from tests.page.conftest import FOUR, Shown

pytestmark = pytest.mark.slow

LONG = 60_000.0  # ms: an overloaded machine
MOVES_ON = """before => [...document.querySelectorAll('.tile')].find(tile => tile.textContent.includes('room-102'))
  .querySelector('.boxes').innerHTML !== before"""
DRAWN = """canvas => canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data
  .slice(0, 3).some(level => level > 20)"""


def test_four_cameras(chromium: Browser, four: Shown) -> None:
    with opened(chromium, four.address) as shown:
        page = shown.page
        expect(page.locator(".tile")).to_have_count(4, timeout=LONG)
        expect(page.locator(".live")).to_have_text("Live", timeout=LONG)
        expect(page.locator(".stage[data-drawn]")).to_have_count(3, timeout=LONG)
        attention = page.get_by_role("region", name="Needs attention")
        expect(attention.locator(".tile")).to_have_count(2)
        down = page.locator(".tile", has_text="room-103")
        expect(down).to_contain_text("No connection · no route to 10.0.0.13 · since ")
        expect(down).to_contain_text("no picture yet")
        alarmed = page.locator(".tile", has_text="room-101")
        expect(alarmed).to_contain_text("Apparent distress, please look in · since ")
        fine = page.locator(".tile", has_text="room-102")
        expect(fine.locator(".boxes .face")).to_have_count(2)
        expect(fine.locator(".boxes .label").first).to_contain_text(" · #0")
        expect(fine.locator(".figures dd").first).to_contain_text(" of 2")
        assert fine.locator("canvas").evaluate(DRAWN)
        page.wait_for_function(MOVES_ON, arg=fine.locator(".boxes").inner_html(), timeout=LONG)
        shown.noted.none()


def test_sixty_cameras(chromium: Browser, sixty: Shown) -> None:
    with opened(chromium, sixty.address) as shown:
        page = shown.page
        expect(page.locator(".tile")).to_have_count(60, timeout=LONG)
        expect(page.locator(".chip b")).to_have_text(["6", "1", "52", "1"], timeout=LONG)
        levels = page.locator(".level:visible").evaluate_all("all => all.map(each => each.dataset.level)")
        assert levels == ["attention", "notice", "fine", "off"]
        page.get_by_role("button", name="need attention").click()
        expect(page.locator(".tile:visible")).to_have_count(6)
        for words in ("No connection", "Silent", "Sees nothing · dark", "Failed · the stream asks for a password"):
            expect(page.locator(".tile:visible", has_text=words).first).to_be_visible()
        page.get_by_role("button", name="need attention").click()
        page.get_by_label("Find a camera").fill("room-14")
        expect(page.locator(".tile:visible")).to_have_count(10)
        page.get_by_label("Find a camera").fill("nobody")
        expect(page.get_by_text("No camera is called like “nobody”.")).to_be_visible()
        shown.noted.none()


def test_pictures_come_only_for_what_is_in_sight(chromium: Browser, sixty: Shown) -> None:
    with opened(chromium, sixty.address, size=PHONE) as shown:
        page = shown.page
        expect(page.locator(".tile")).to_have_count(60, timeout=LONG)
        expect(page.locator(".stage[data-drawn]").first).to_be_visible(timeout=LONG)
        last = page.locator(".level[data-level=fine] .tile").last
        assert last.locator(".stage[data-drawn]").count() == 0
        last.scroll_into_view_if_needed()
        expect(last.locator(".stage[data-drawn]")).to_have_count(1, timeout=LONG)
        shown.noted.none()


def test_a_wall_that_is_read_from_afar(chromium: Browser, sixty: Shown) -> None:
    with opened(chromium, sixty.address, size=(1920, 1080)) as shown:
        page = shown.page
        expect(page.locator(".tile")).to_have_count(60, timeout=LONG)
        near = page.locator(".tile h3").first.evaluate("heading => parseFloat(getComputedStyle(heading).fontSize)")
        page.get_by_role("button", name="Read from afar").click()
        far = page.locator(".tile h3").first.evaluate("heading => parseFloat(getComputedStyle(heading).fontSize)")
        assert far >= 1.8 * near
        page.reload()
        expect(page.get_by_role("button", name="Read from afar")).to_have_attribute("aria-pressed", "true")
        shown.noted.none()


def test_a_name_that_is_too_long_is_cut_and_told_whole(chromium: Browser, four: Shown) -> None:
    long = FOUR[2].id
    with opened(chromium, four.address) as shown:
        link = shown.page.get_by_role("link", name=long)
        expect(link).to_have_attribute("title", long, timeout=LONG)
        box, tile = link.bounding_box(), shown.page.locator(".tile", has=link).bounding_box()
        assert box is not None
        assert tile is not None
        assert box["x"] + box["width"] <= tile["x"] + tile["width"]
        shown.noted.none()
