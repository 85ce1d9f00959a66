"""As somebody new would try it: the demo, its page in a real browser, a camera added and removed by hand."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.page.browser import browser, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ADDRESS = re.compile(r"the page: (http://\S+)/")
PATIENCE = 180.0
LONG = 120_000.0  # ms


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[str]:
    """`emostream demo`; the address of its page."""
    output = tmp_path / "output"
    ports = ["--dashboard-port", "0", "--api-port", "0"]
    with output.open("w") as file:
        command = [sys.executable, "-m", "pipeline.cli", "demo", *ports]
        env = {**os.environ, "EMOSTREAM_RUN_DIR": str(tmp_path / "runs")}
        process = subprocess.Popen(command, env=env, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        give_up = time.monotonic() + PATIENCE
        while (found := ADDRESS.search(output.read_text())) is None:
            assert process.poll() is None, output.read_text()[-2000:]
            assert time.monotonic() < give_up, output.read_text()[-2000:]
            time.sleep(0.2)
        while not _answers(found[1]):
            assert time.monotonic() < give_up, output.read_text()[-2000:]
            time.sleep(0.2)
        yield found[1]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0, output.read_text()[-2000:]


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").is_success
    except httpx.TransportError:
        return False


def test_a_second_camera_by_hand(demo: str) -> None:
    began = time.monotonic()
    with browser() as started, opened(started, demo) as shown:
        page = shown.page
        told = page.locator(".tile .faces li:not(.plain)")
        expect(told.first).to_be_visible(timeout=LONG)
        page.get_by_role("button", name="Add camera").click()
        dialog = page.get_by_role("dialog", name="Add a camera")
        dialog.get_by_label("Address").fill("synthetic:?people=1&seed=9")
        dialog.get_by_label("Name").fill("by-hand")
        dialog.get_by_role("button", name="Test picture").click()
        expect(dialog.get_by_role("status")).to_contain_text("It works: 640x480", timeout=LONG)
        dialog.get_by_role("button", name="Add camera").click()
        tile = page.locator(".tile", has_text="by-hand")
        expect(tile.locator(".faces li:not(.plain)")).to_be_visible(timeout=LONG)
        expect(tile.locator(".stage[data-drawn]")).to_be_visible(timeout=LONG)
        tile.get_by_role("link", name="by-hand").click()
        page.get_by_role("button", name="Remove").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(page.locator(".tile")).to_have_count(4, timeout=LONG)
        print(f"from the page's first sight to the camera's end: {time.monotonic() - began:.1f} s")
        shown.noted.none()
