"""Cameras are added, changed, paused and removed on the page: through the real API, on a real Kafka."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from pipeline.api.app import create
from pipeline.api.assemble import assembled
from pipeline.cameras.registry import CameraRegistry
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import AuditRecord, DesiredCamera
from pipeline.metrics import Metrics
from pipeline.settings import KafkaSettings, load
from pipeline.topics import AUDIT
from tests.page.browser import opened
from tests.page.conftest import FOUR
from tests.page.running import dashboard
from tests.page.site import Site

pytestmark = pytest.mark.slow

LONG = 60_000.0
OPERATOR = "operator-token-of-these-tests"
ACCESS = {"tokens": [{"name": "ada", "role": "operator", "token": OPERATOR}]}


@contextmanager
def api(kafka: KafkaSettings) -> Iterator[str]:
    """The control API without Ray around it; its address."""
    settings = load(kafka=kafka.model_dump(), site="house-elm", api=ACCESS)
    with assembled(settings, Metrics("api")) as parts, socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(create(parts)[1], log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def page(chromium: Browser, kafka_settings: KafkaSettings, tmp_path: Path) -> Iterator[Page]:
    """Logged in as an operator; whatever goes wrong in it fails the test."""
    with Site(kafka_settings, "house-elm", FOUR) as site, api(kafka_settings) as url:
        site.begin()
        site.play()
        changes = {"api": ACCESS, "dashboard": {"api_url": url}}
        with (
            dashboard(kafka_settings, "house-elm", tmp_path, **changes) as address,
            opened(chromium, address) as shown,
        ):
            shown.page.get_by_label("Token").fill(OPERATOR)
            shown.page.get_by_role("button", name="Log in").click()
            expect(shown.page.locator(".tile")).to_have_count(4, timeout=LONG)
            yield shown.page
            assert shown.noted.elsewhere == []
            assert [each for each in shown.noted.errors if "status of 4" not in each] == []


def wanted(kafka: KafkaSettings) -> dict[str, DesiredCamera]:
    with CameraRegistry(kafka, "house-elm") as registry:
        return registry.all()


def audited(kafka: KafkaSettings) -> list[tuple[str, str, str, str]]:
    with Reader(kafka, [AUDIT]) as reader:
        reader.from_beginning()
        records = [parse(record) for record in reader.to_end()]
    return [(r.who, r.action, r.outcome, r.reason) for r in records if isinstance(r, AuditRecord)]


def test_a_camera_from_its_test_picture_to_its_end(page: Page, kafka_settings: KafkaSettings) -> None:
    page.get_by_role("button", name="Add camera").click()
    dialog = page.get_by_role("dialog", name="Add a camera")
    dialog.get_by_label("Address").fill("synthetic:?people=2&seed=5")
    dialog.get_by_label("Name").fill("new-room")
    dialog.get_by_role("button", name="Test picture").click()
    expect(dialog.get_by_role("status")).to_contain_text("It works: 640x480", timeout=LONG)
    expect(dialog.get_by_role("img", name="Test picture")).to_be_visible()
    dialog.get_by_text("More", exact=True).click()
    dialog.get_by_label("Frames a second, at most").fill("5")
    dialog.get_by_role("button", name="Add camera").click()
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=LONG)
    tile = page.locator(".tile", has_text="new-room")
    expect(tile).to_contain_text("Waiting", timeout=LONG)
    camera = wanted(kafka_settings)["new-room"]
    assert (camera.uri, camera.fps, camera.changed_by) == ("synthetic:?people=2&seed=5", 5, "ada")

    page.get_by_role("link", name="new-room").click()
    page.get_by_role("button", name="Change").click()
    dialog = page.get_by_role("dialog", name="Change new-room")
    expect(dialog.get_by_label("Frames a second, at most")).to_have_value("5")
    dialog.get_by_label("Frames a second, at most").fill("")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=LONG)
    assert wanted(kafka_settings)["new-room"].fps is None

    page.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog", name="Pause new-room?")
    dialog.get_by_label("Why").fill("visitors")
    dialog.get_by_role("button", name="Pause").click()
    expect(page.locator(".now .state")).to_contain_text("Paused · by ada", timeout=LONG)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=LONG)
    assert not wanted(kafka_settings)["new-room"].paused

    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog", name="Remove new-room?").get_by_role("button", name="Remove").click()
    expect(page.locator(".tile")).to_have_count(4, timeout=LONG)
    assert "new-room" not in wanted(kafka_settings)
    assert audited(kafka_settings) == [
        ("ada", "camera.probe", "done", ""), ("ada", "camera.add", "done", ""), ("ada", "camera.change", "done", ""),
        ("ada", "camera.pause", "done", "visitors"), ("ada", "camera.resume", "done", ""),
        ("ada", "camera.remove", "done", ""),
    ]  # fmt: skip


def test_what_is_wrong_is_told_where_it_is(page: Page, kafka_settings: KafkaSettings) -> None:
    page.get_by_role("button", name="Add camera").click()
    dialog = page.get_by_role("dialog", name="Add a camera")
    dialog.get_by_role("button", name="Add camera").click()
    assert dialog.get_by_label("Address").evaluate("input => input.validity.valueMissing")
    dialog.get_by_label("Address").fill("rtsp://10.255.255.1:554/stream1")
    dialog.get_by_label("Name").fill("not a name")
    dialog.get_by_role("button", name="Add camera").click()
    expect(dialog.get_by_role("alert")).to_contain_text("id: ", timeout=LONG)
    expect(dialog.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Name").fill("room-101")
    dialog.get_by_role("button", name="Add camera").click()
    expect(dialog.get_by_role("alert")).to_contain_text("there is a camera room-101 already", timeout=LONG)
    dialog.get_by_label("Address").fill("http://127.0.0.1:9/nothing.mjpg")
    dialog.get_by_role("button", name="Test picture").click()
    expect(dialog.get_by_role("status")).to_contain_text("no picture came", timeout=LONG)
    assert len(wanted(kafka_settings)) == 4
