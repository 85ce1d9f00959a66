"""`python -m tests.page.soak`: sixty cameras on the page for a while; is it quick, and does its memory stay?

Somebody clicks, types and moves on every few seconds. What counts is the time from the interaction to the next paint
(PerformanceObserver, event timing) and the JavaScript heap after a forced collection.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from playwright.sync_api import CDPSession, Page

from pipeline.kafka.clients import apply_topics
from pipeline.settings import KafkaSettings
from tests.page.browser import browser, opened
from tests.page.running import dashboard, own_broker
from tests.page.site import Site, cameras

EVERY_SECONDS = 3.0
HEAP_SECONDS = 20.0
SETTLED = 0.2  # part of the time that memory may take to settle
MAX_PAINT_MS = 200.0
MAX_GROWTH = 0.1
OBSERVE = """() => {
  window.paints = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.interactionId) window.paints.push(entry.duration);
  }).observe({ type: 'event', durationThreshold: 16, buffered: true });
}"""


@dataclass(frozen=True)
class Verdict:
    """`slow_paints`: interactions whose next paint took 16 ms or longer; `paint_...` of those, milliseconds.

    `growth`: of the heap, see `_growth`. `live_kib_s`: told over the live connection, before it is compressed.
    """

    minutes: float
    cameras: int
    interactions: int
    slow_paints: int
    paint_p50: float
    paint_p98: float
    paint_max: float
    heap_mib: list[float]
    growth: float
    server_mib: float
    live_kib_s: float
    errors: list[str]

    @property
    def good(self) -> bool:
        return self.paint_p98 < MAX_PAINT_MS and self.growth < MAX_GROWTH and not self.errors


class Somebody:
    """Uses the page: each step is one interaction of the kinds that it offers."""

    def __init__(self, page: Page, rooms: list[str], rng: random.Random) -> None:
        self._page = page
        self._rooms = rooms
        self._rng = rng
        self.count = 0

    def step(self) -> None:
        page, path = self._page, self._page.evaluate("location.pathname")
        if path == "/":
            self._rng.choice([self._filter, self._search, self._type, self._open])()
        elif path == "/site":
            self._rng.choice([self._heat, lambda: self._go("Wall"), lambda: self._go("System")])()
        elif path == "/system":
            self._go(self._rng.choice(["Wall", "Site"]))
        else:
            self._rng.choice([self._timeline, lambda: self._go("Wall"), lambda: self._go("Site")])()
        page.wait_for_timeout(100)
        self.count += 1

    def _go(self, name: str) -> None:
        self._page.get_by_role("navigation").get_by_role("link", name=name).click()

    def _filter(self) -> None:
        chip = self._page.locator(".chip").nth(self._rng.randrange(4))
        chip.click()
        self._page.wait_for_timeout(300)
        chip.click()

    def _search(self) -> None:
        self._page.get_by_label("Find a camera").press_sequentially("room-1", delay=40)
        self._page.get_by_label("Find a camera").fill("")

    def _type(self) -> None:
        for _ in range(8):
            self._page.keyboard.press("Tab")

    def _open(self) -> None:
        self._page.get_by_role("link", name=self._rng.choice(self._rooms), exact=True).click()

    def _timeline(self) -> None:
        self._page.get_by_role("slider", name="Windows over time").click()
        for _ in range(5):
            self._page.keyboard.press("ArrowLeft")

    def _heat(self) -> None:
        self._page.get_by_role("group", name="Heat map").click(position={"x": 30, "y": 30})
        for _ in range(5):
            self._page.keyboard.press("ArrowRight")


def run(minutes: float, count: int, seed: int) -> Verdict:
    rooms = cameras(count)
    with tempfile.TemporaryDirectory(prefix="page-soak-") as folder, own_broker(Path(folder)) as kafka:
        settings = KafkaSettings(bootstrap=kafka.bootstrap, partitions=3)
        apply_topics(settings)
        with Site(settings, "house-elm", rooms) as site:
            site.begin(hours=1)
            site.play()
            with dashboard(settings, "house-elm", Path(folder)) as address:
                return _watch(address, [room.id for room in rooms], minutes, random.Random(seed))


def _watch(address: str, rooms: list[str], minutes: float, rng: random.Random) -> Verdict:
    with browser() as started, opened(started, address) as shown:
        page = shown.page
        page.wait_for_function(f"document.querySelectorAll('.tile').length === {len(rooms)}", timeout=120_000)
        told = _told(page)
        devtools = page.context.new_cdp_session(page)
        page.reload()
        page.evaluate(OBSERVE)
        somebody, heap = Somebody(page, rooms, rng), [_heap(devtools)]
        began = next_heap = time.monotonic()
        while (now := time.monotonic()) < began + minutes * 60:
            somebody.step()
            if now >= next_heap:
                next_heap = now + HEAP_SECONDS
                heap.append(_heap(devtools))
                print(f"{(now - began) / 60:5.1f} min  heap {heap[-1]:.1f} MiB", flush=True)
            page.wait_for_timeout(EVERY_SECONDS * 1000)
        paints = sorted(page.evaluate("window.paints"))
        return Verdict(
            minutes=minutes,
            cameras=len(rooms),
            interactions=somebody.count,
            slow_paints=len(paints),
            paint_p50=_quantile(paints, 0.5),
            paint_p98=_quantile(paints, 0.98),
            paint_max=max(paints, default=0.0),
            heap_mib=heap,
            growth=_growth(heap),
            server_mib=_server(address),
            live_kib_s=sum(told[1:]) / 1024 / (minutes * 60),
            errors=[*shown.noted.errors, *shown.noted.elsewhere],
        )


def _told(page: Page) -> list[int]:
    """Fills with the size of each message of the live connections to come."""
    sizes: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda text: sizes.append(len(text))))
    return sizes


def _heap(devtools: CDPSession) -> float:
    devtools.send("HeapProfiler.collectGarbage")
    return float(devtools.send("Runtime.getHeapUsage")["usedSize"]) / 2**20


def _growth(heap: list[float]) -> float:
    """Of the last third over the third after it settled, as a part."""
    settled = heap[int(len(heap) * SETTLED) :]
    third = max(1, len(settled) // 3)
    first, last = settled[:third], settled[-third:]
    return (sum(last) / len(last)) / (sum(first) / len(first)) - 1


def _server(address: str) -> float:
    port = int(address.rsplit(":", 1)[1])
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            return float(psutil.Process(connection.pid).memory_info().rss) / 2**20
    return 0.0


def _quantile(values: list[float], part: float) -> float:
    return values[min(len(values) - 1, int(part * len(values)))] if values else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.page.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--cameras", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args()
    os.environ.setdefault("EMOSTREAM_POLICY__PURPOSE", "tests of emostream")
    os.environ.setdefault("EMOSTREAM_POLICY__SETTING", "demonstration")
    verdict = run(asked.minutes, asked.cameras, asked.seed)
    text = json.dumps(asdict(verdict), indent=2)
    print(text)
    if asked.report:
        asked.report.write_text(text + "\n")
    raise SystemExit(0 if verdict.good else 1)


if __name__ == "__main__":
    main()
