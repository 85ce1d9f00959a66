"""`python -m tests.page.screens FOLDER`: what docs/dashboard.md shows of the page, taken in Chromium.

A house of eleven rooms with drawn people in them; some of its cameras come into trouble.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from pipeline.kafka.clients import apply_topics
from pipeline.settings import KafkaSettings
from tests.page.browser import browser, opened
from tests.page.running import dashboard, own_broker
from tests.page.site import Camera, Site

LONG = 60_000.0  # ms
SIZE = (1280, 940)
PEOPLE = {
    "room-101": 1, "room-102": 1, "room-103": 2, "room-104": 1, "room-105": 1, "room-106": 1, "room-107": 0,
    "room-108": 1, "day-room": 3, "dining-room": 2, "entrance": 1,
}  # fmt: skip
TROUBLES = {"room-104": "silent", "room-106": "down", "entrance": "dark", "room-108": "paused"}
ZONES = [{"id": "bed-101", "camera": "room-101", "polygon": [[0.1, 0.5], [0.9, 0.5], [0.95, 0.95], [0.05, 0.95]]}]

DRAWN = """() => [...document.querySelectorAll('.stage')].every(
  stage => stage.hasAttribute('data-drawn') || stage.getBoundingClientRect().top > innerHeight)"""


@contextmanager
def house(folder: Path) -> Iterator[str]:
    """Its page's address."""
    rooms = [Camera(name, people, seed=number) for number, (name, people) in enumerate(PEOPLE.items())]
    with own_broker(folder) as kafka:
        settings = KafkaSettings(bootstrap=kafka.bootstrap, partitions=2)
        apply_topics(settings)
        with (
            Site(settings, "house-elm", rooms, seed=3) as site,
            dashboard(settings, "house-elm", folder, zones=ZONES, timezone="Europe/Berlin") as address,
        ):
            site.begin(hours=6)
            site.play()
            with browser() as started, opened(started, address) as shown:
                _seen(shown.page, len(rooms))
                for name, trouble in TROUBLES.items():
                    site.suffer(name, trouble)
                expect(shown.page.locator(".tile[data-kind=silent]")).to_have_count(1, timeout=LONG)
            yield address


def take(address: str, folder: Path) -> None:
    with browser() as started, opened(started, address, "/", SIZE, device_scale_factor=1.5) as shown:
        page = shown.page
        _seen(page, len(PEOPLE))
        page.screenshot(path=folder / "page-wall.png")
        page.goto(f"{address}/camera/room-101")
        expect(page.locator("tbody tr").first).to_be_visible(timeout=LONG)
        expect(page.locator(".now .stage[data-drawn]")).to_be_visible(timeout=LONG)
        expect(page.locator(".now .boxes .line")).not_to_have_attribute("stroke", "#ffffff", timeout=LONG)
        page.screenshot(path=folder / "page-camera.png")
        page.goto(f"{address}/site")
        expect(page.locator(".heat-names li").first).to_be_visible(timeout=LONG)
        page.screenshot(path=folder / "page-site.png")
        shown.noted.none()


def _seen(page: Page, cameras: int) -> None:
    expect(page.locator(".tile")).to_have_count(cameras, timeout=LONG)
    page.wait_for_function(DRAWN, timeout=LONG)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.page.screens", description=__doc__)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    os.environ.setdefault("EMOSTREAM_POLICY__PURPOSE", "tests of emostream")
    os.environ.setdefault("EMOSTREAM_POLICY__SETTING", "demonstration")
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="page-screens-") as folder, house(Path(folder)) as address:
        take(address, asked.folder)


if __name__ == "__main__":
    main()
