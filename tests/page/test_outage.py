"""Kafka goes away and comes back, and so does the page's own server: the page says so while it lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.kafka.clients import apply_topics
from pipeline.local.kafka import Kafka
from pipeline.local.ports import free_ports
from pipeline.settings import KafkaSettings
from tests.page.browser import opened
from tests.page.conftest import FOUR
from tests.page.running import dashboard, own_broker
from tests.page.site import Site

pytestmark = pytest.mark.slow

LONG = 60_000.0
MOVES_ON = """before => [...document.querySelectorAll('.tile')].find(tile => tile.textContent.includes('room-102'))
  ?.querySelector('.boxes').innerHTML !== before"""


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Kafka]:
    with own_broker(tmp_path / "kafka") as started:
        yield started


@contextmanager
def standing_still(started: Kafka) -> Iterator[None]:
    machine = next(each for each in psutil.Process(started.process.pid).children() if "java" in each.name())
    machine.suspend()
    try:
        yield
    finally:
        machine.resume()


def moves_on(page: Page) -> None:
    boxes = page.locator(".tile", has_text="room-102").locator(".boxes")
    page.wait_for_function(MOVES_ON, arg=boxes.inner_html(timeout=LONG), timeout=LONG)


def test_a_kafka_that_is_away(chromium: Browser, own_kafka: Kafka, tmp_path: Path) -> None:
    settings = KafkaSettings(bootstrap=own_kafka.bootstrap, partitions=2)
    with dashboard(settings, "house-elm", tmp_path) as address, opened(chromium, address) as shown:
        page = shown.page
        banner, live = page.locator("#banner"), page.locator(".live")
        expect(banner).to_contain_text("Waiting for Kafka: topic cameras does not exist", timeout=LONG)
        apply_topics(settings)
        expect(live).to_have_text("Live", timeout=LONG)
        expect(page.get_by_text("No camera yet.")).to_be_visible(timeout=LONG)
        with Site(settings, "house-elm", FOUR) as site:
            site.begin()
            site.play()
            moves_on(page)
            with standing_still(own_kafka):
                expect(banner).to_contain_text("Kafka has not answered since ", timeout=LONG)
                expect(banner).to_contain_text("What you see is from then.")
                expect(live).to_have_text("Kafka is away")
                assert page.locator(".tile[data-kind=silent]").count() == 0  # what nobody knows is not told
            expect(banner).to_be_empty(timeout=LONG)
            own_kafka.process.stop()
            expect(live).to_have_text("Kafka is away", timeout=LONG)
            page.reload()
            expect(banner).to_contain_text("Kafka has not answered since ", timeout=LONG)
            expect(page.locator(".tile")).to_have_count(4)
            own_kafka.start()
            expect(live).to_have_text("Live", timeout=LONG)
            moves_on(page)
        shown.noted.none()


def test_a_server_that_is_away(chromium: Browser, kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    section = {"port": free_ports(1)[0]}
    with Site(kafka_settings, "house-elm", FOUR) as site, ExitStack() as until_the_end:
        site.begin()
        site.play()
        with dashboard(kafka_settings, "house-elm", tmp_path / "first", dashboard=section) as address:
            page = until_the_end.enter_context(opened(chromium, address)).page
            moves_on(page)
        expect(page.locator("#banner")).to_contain_text("Connection to the page's server lost, since ", timeout=LONG)
        expect(page.locator(".live")).to_have_text("Not connected")
        expect(page.locator(".tile")).to_have_count(4)
        with dashboard(kafka_settings, "house-elm", tmp_path / "second", dashboard=section):
            expect(page.locator(".live")).to_have_text("Live", timeout=LONG)
            expect(page.locator("#banner")).to_be_empty()
            moves_on(page)
