"""A site of four cameras and one of sixty, with pages of them; a browser a module."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pipeline.kafka.clients import apply_topics
from pipeline.settings import KafkaSettings
from tests.page.browser import browser
from tests.page.running import dashboard
from tests.page.site import Camera, Site, cameras

COUNTER = itertools.count()
FOUR = [
    Camera("room-101", people=1, seed=1),
    Camera("room-102", people=2, seed=2),
    Camera("a-day-room-with-a-name-that-is-longer-than-any-tile-is-wide", people=3, seed=4),
    Camera("room-103", trouble="down", seed=3),
]
ZONES = [{"id": "bed-101", "camera": "room-101", "polygon": [[0.1, 0.5], [0.9, 0.5], [0.95, 0.95], [0.05, 0.95]]}]


@dataclass(frozen=True)
class Shown:
    """A site and the address of its page."""

    site: Site
    address: str
    kafka: KafkaSettings


def settings_of(bootstrap: str) -> KafkaSettings:
    """Topics of a module's own."""
    prefix = f"page{next(COUNTER)}-{os.getpid()}"
    settings = KafkaSettings(bootstrap=bootstrap, topic_prefix=prefix, partitions=2, group=prefix)
    apply_topics(settings)
    return settings


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def four(chromium: Browser, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    yield from _shown(kafka, FOUR, tmp_path_factory.mktemp("four"), hours=3)


@pytest.fixture(scope="module")
def sixty(chromium: Browser, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    yield from _shown(kafka, cameras(60), tmp_path_factory.mktemp("sixty"), hours=0.5)


def _shown(bootstrap: str, rooms: list[Camera], folder: Path, hours: float) -> Iterator[Shown]:
    settings = settings_of(bootstrap)
    with Site(settings, "house-elm", rooms) as site:
        site.begin(hours)
        site.play()
        with dashboard(settings, "house-elm", folder, zones=ZONES, timezone="Europe/Berlin") as address:
            yield Shown(site, address, settings)
