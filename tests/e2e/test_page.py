"""As somebody new would try it: the demo, its page in a real browser, a camera added and removed by hand."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from pipeline.messages import LABELS
from tests.page.browser import browser, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ADDRESS = re.compile(r"the page: (http://\S+)/")
EXPRESSION = re.compile(rf"({'|'.join(LABELS)})\s\d+")
PATIENCE = 180.0
LONG = 120_000.0  # ms
AT_MOST = float(os.environ.get("PAGE_SECONDS", "inf"))  # for all of it; a busy machine takes longer


@dataclass(frozen=True)
class Demo:
    """`page`: its address. `began`: when it was started, by the monotonic clock."""

    page: str
    began: float

    def tell(self, what: str) -> float:
        spent = time.monotonic() - self.began
        print(f"{spent:6.1f} s  {what}")
        return spent


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """`emostream demo`, once its page can be used."""
    output = tmp_path / "output"
    began = time.monotonic()
    ports = ["--dashboard-port", "0", "--api-port", "0"]
    with output.open("w") as file:
        command = [sys.executable, "-m", "pipeline.cli", "demo", *ports]
        env = {**os.environ, "EMOSTREAM_RUN_DIR": str(tmp_path / "runs")}
        process = subprocess.Popen(command, env=env, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        give_up = began + PATIENCE
        while (found := ADDRESS.search(output.read_text())) is None:
            assert process.poll() is None, output.read_text()[-2000:]
            assert time.monotonic() < give_up, output.read_text()[-2000:]
            time.sleep(0.2)
        shown = Demo(found[1], began)
        for path, what in (("/healthz", "the page answers"), ("/api/v1/cameras", "the API answers")):
            while not _answers(shown.page + path):
                assert time.monotonic() < give_up, output.read_text()[-2000:]
                time.sleep(0.2)
            shown.tell(what)
        yield shown
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0, output.read_text()[-2000:]


def _answers(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.TransportError:
        return False


def test_a_second_camera_by_hand(demo: Demo) -> None:
    with browser() as started, opened(started, demo.page) as shown:
        page = shown.page
        told = page.locator(".tile .faces li:not(.plain)", has_text=EXPRESSION)
        expect(told.first).to_be_visible(timeout=LONG)
        demo.tell("a face's apparent expression is told")
        page.get_by_role("button", name="Add camera").click()
        dialog = page.get_by_role("dialog", name="Add a camera")
        dialog.get_by_label("Address").fill("synthetic:?people=1&seed=9")
        dialog.get_by_label("Name").fill("by-hand")
        dialog.get_by_role("button", name="Test picture").click()
        expect(dialog.get_by_role("status")).to_contain_text("It works: 640x480", timeout=LONG)
        expect(dialog.get_by_role("img", name="Test picture")).to_be_visible()
        demo.tell("a test picture of a second camera is shown")
        dialog.get_by_role("button", name="Add camera").click()
        tile = page.locator(".tile", has_text="by-hand")
        expect(tile.locator(".faces li:not(.plain)", has_text=EXPRESSION)).to_be_visible(timeout=LONG)
        expect(tile.locator(".stage[data-drawn] .face").first).to_be_attached(timeout=LONG)
        demo.tell("its face is told")
        tile.get_by_role("link", name="by-hand").click()
        page.get_by_role("button", name="Remove").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(page.locator(".tile")).to_have_count(4, timeout=LONG)
        expect(tile).to_have_count(0)
        spent = demo.tell("it is removed")
        shown.noted.none()
    assert spent < AT_MOST
