"""One camera, a zone, the site, the system: with the mouse, with the keyboard alone, on a phone, in both themes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.browser import DESKTOP, PHONE, opened
from tests.page.conftest import FOUR, Shown

pytestmark = pytest.mark.slow

LONG = 60_000.0
VIEWS = ("/", f"/camera/{FOUR[2].id}", "/camera/room-101", "/zone/bed-101", "/site", "/system")
FOCUSED = """() => {
  const element = document.activeElement;
  const marked = element.closest('.tile') ?? element.closest('label')?.querySelector('span') ?? element;
  const style = getComputedStyle(marked);
  if (element === document.body) return null;
  return { text: element.textContent.trim().slice(0, 40), label: element.getAttribute('aria-label') ?? '',
           outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 };
}"""


def ready(page: Page) -> None:
    expect(page.locator(".live")).to_have_text("Live", timeout=LONG)


def test_one_camera(chromium: Browser, four: Shown) -> None:
    with opened(chromium, four.address, "/camera/room-101") as shown:
        page = shown.page
        ready(page)
        expect(page.get_by_role("heading", name="room-101")).to_be_visible()
        expect(page.locator(".now .stage[data-drawn]")).to_be_visible(timeout=LONG)
        expect(page.locator(".boxes .zone")).to_have_count(1)
        expect(page.locator(".faces.large li")).to_have_count(1)
        expect(page.locator(".faces.large li")).to_contain_text("track #0")
        expect(page.locator(".facts")).to_contain_text("rtsp://10.0.0.11:554/stream1")
        chart = page.get_by_role("slider", name="Windows over time")
        expect(chart).to_be_visible(timeout=LONG)
        expect(page.locator(".alert-mark", has_text="Apparent distress")).to_be_visible()
        rows = page.locator("tbody tr")
        expect(rows.first).to_be_visible()
        one_hour = rows.count()
        page.get_by_text("3 h", exact=True).click()
        expect(page.get_by_role("button", name="Show all")).to_be_visible()
        page.get_by_role("button", name="Show all").click()
        assert rows.count() > 1.5 * one_hour
        shown.noted.none()


def test_stretches_without_data_say_so(chromium: Browser, four: Shown) -> None:
    with opened(chromium, four.address, "/camera/room-103") as shown:
        page = shown.page
        ready(page)
        expect(page.locator(".timeline .gap").last).to_have_text("no data", timeout=LONG)
        expect(page.locator("td.gap").first).to_have_text("no data")
        chart = page.get_by_role("slider", name="Windows over time")
        chart.focus()
        page.keyboard.press("End")
        expect(page.locator(".readout")).to_contain_text("no data, coverage 0 %")
        assert "no data" in (chart.get_attribute("aria-valuetext") or "")
        page.keyboard.press("Home")
        expect(page.locator(".readout")).not_to_contain_text("no data, coverage 0 %")
        shown.noted.none()


def test_the_site_and_the_system(chromium: Browser, four: Shown) -> None:
    with opened(chromium, four.address) as shown:
        page = shown.page
        ready(page)
        page.get_by_role("link", name="Site").click()
        expect(page.get_by_role("heading", name="house-elm")).to_be_focused()
        expect(page.locator(".alert").first).to_contain_text("Apparent distress, please look in")
        heat = page.get_by_role("group", name="Heat map")
        expect(page.locator(".heat-names li")).to_have_count(7, timeout=LONG)
        heat.focus()
        page.keyboard.press("ArrowLeft")
        expect(page.locator(".readout")).to_contain_text(FOUR[2].id)
        page.get_by_text("1 h", exact=True).click()
        page.locator(".heat-names a", has_text="bed-101").click()
        expect(page.get_by_role("heading", name="Zone bed-101")).to_be_focused()
        page.get_by_role("link", name="System").click()
        expect(page.locator("tr[data-state=running]")).to_have_count(5, timeout=LONG)
        expect(page.locator("tr[data-state=running]").first).to_contain_text(
            "12\N{NO-BREAK SPACE}ms ahead ± 3\N{NO-BREAK SPACE}ms"
        )
        expect(page.locator(".facts")).to_contain_text("emonext-atto-48, version 1.0, sha256 5b5b5b5b5b5b…")
        expect(page.locator(".lines path").first).to_be_attached(timeout=LONG)
        page.go_back()
        expect(page.get_by_role("heading", name="Zone bed-101")).to_be_visible()
        shown.noted.none()


def test_everything_can_be_reached_with_the_keyboard(chromium: Browser, four: Shown) -> None:
    with opened(chromium, four.address) as shown:
        page = shown.page
        ready(page)
        expect(page.locator(".tile")).to_have_count(4, timeout=LONG)
        reached = []
        for _ in range(25):
            page.keyboard.press("Tab")
            focused = page.evaluate(FOCUSED)
            if focused is None:
                break
            assert focused["outline"], focused
            reached.append(focused["label"] or focused["text"])
        wanted = [
            "Skip to content",
            "Wall",
            "System",
            "Theme: as the system",
            "Find a camera",
            "Add camera",
            "room-102",
        ]
        assert [name for name in wanted if name not in reached] == []
        assert reached.index("Skip to content") == 0
        page.get_by_role("link", name="room-102").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="room-102")).to_be_focused()
        shown.noted.none()


def test_a_dialog_gives_the_focus_back(chromium: Browser, four: Shown) -> None:
    with opened(chromium, four.address) as shown:
        page = shown.page
        ready(page)
        add = page.get_by_role("button", name="Add camera")
        add.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog", name="Add a camera")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(add).to_be_focused()
        shown.noted.none()


def test_nothing_is_wider_than_a_phone(chromium: Browser, four: Shown) -> None:
    with opened(chromium, four.address, "/system", PHONE) as shown:
        page = shown.page
        for path in VIEWS:
            page.goto(four.address + path)
            ready(page)
            expect(page.locator(".tile, .card").first).to_be_visible(timeout=LONG)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
        shown.noted.none()


def test_the_theme_follows_the_system_until_one_is_chosen(chromium: Browser, four: Shown) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with opened(chromium, four.address, color_scheme="dark") as shown:
        page = shown.page
        ready(page)
        dark = page.evaluate(ground)
        page.emulate_media(color_scheme="light")
        light = page.evaluate(ground)
        assert light != dark
        page.get_by_role("button", name="Theme: as the system").click()
        page.get_by_role("button", name="Theme: light").click()
        assert page.evaluate(ground) == dark
        page.reload()
        ready(page)
        assert page.evaluate(ground) == dark
        shown.noted.none()


def test_nothing_moves_for_those_who_do_not_want_it(chromium: Browser, four: Shown) -> None:
    moving = """() => [...document.querySelectorAll('*')].filter((element) => {
      const style = getComputedStyle(element);
      return parseFloat(style.transitionDuration) > 0 || style.animationName !== 'none';
    }).length"""
    with opened(chromium, four.address, size=DESKTOP, reduced_motion="reduce") as shown:
        expect(shown.page.locator(".tile")).to_have_count(4, timeout=LONG)
        assert shown.page.evaluate(moving) == 0
        shown.page.emulate_media(reduced_motion="no-preference")
        assert shown.page.evaluate(moving) > 0
