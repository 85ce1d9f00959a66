"""Records that somebody has written to do harm: they are shown as the words they are, or not at all."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect

from pipeline.messages import (
    Alert,
    AlertState,
    CameraState,
    CameraStatus,
    FrameCounts,
    FrameHeader,
    FrameId,
    Ledger,
    ModelRef,
    Observation,
    RoleStatus,
    Scope,
    SeqRange,
    Window,
    headers_of,
)
from pipeline.messages.preview import preview_headers
from pipeline.topics import ALERTS, CAMERA_STATUS, EVENTS, PREVIEWS, ROLES, WINDOWS, name
from tests.page.browser import opened
from tests.page.conftest import Shown, settings_of
from tests.page.running import dashboard
from tests.page.site import Camera, Site
from tests.records import face

pytestmark = pytest.mark.slow

LONG = 60_000.0
SITE = "house-elm"
MARKUP = "<img src=x onerror=hit()><script>hit()</script>"
CAMERA = "<svg onload=hit()>"
HITS = "window.hits = 0; window.hit = () => { window.hits += 1; };"
VIEWS = {"/": ".tile", "/site": ".heat-names li", "/system": "tr[data-state]", "/camera/room-101": "tbody tr"}


def huge() -> bytes:
    """A JPEG of some bytes that says it is 30,000 pixels wide and high."""
    frame = struct.pack(">BHHB", 8, 30000, 30000, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"


def write(site: Site, now: datetime) -> None:
    """What a topic's form allows, with markup wherever there are words."""
    minute = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    down = CameraStatus(
        site=SITE, camera=CAMERA, session=1, at=now, state=CameraState.DOWN, reason=MARKUP, source="javascript:hit()"
    )
    seen = Observation(
        event_id=f"{SITE}/room-102/1/1", site=SITE, camera="room-102", session=1, seq=1, captured_at=now,
        processed_at=now, width=640, height=480, detector=ModelRef(name=MARKUP), model=ModelRef(name=MARKUP),
        faces=[face("happy", MARKUP, [MARKUP])], degradation=[MARKUP],
    )  # fmt: skip
    raised = Alert(
        scope=Scope.CAMERA, site=SITE, id="room-101", alert_id="a", update=0, rule="r", title=MARKUP, severity=MARKUP,
        state=AlertState.RAISED, since=now, at=now, reason=MARKUP, value=0.7, threshold=0.6, coverage=1.0,
        cameras={"room-101": MARKUP}, windows=[],
    )  # fmt: skip
    told = Window(
        scope=Scope.ZONE, site=SITE, id=MARKUP, spec="60s", start=minute, end=minute + timedelta(minutes=1), revision=0,
        final=True, as_of=now, frames=FrameCounts(expected=1, observed=1, dropped={MARKUP: 1}), coverage=1.0,
        cameras={MARKUP: 1.0}, n_face_frames=1, n_tracks=1, n_told=1, n_abstained=0, label_share={"happy": 1.0},
    )  # fmt: skip
    alive = RoleStatus(
        role=MARKUP, instance=MARKUP, site=SITE, host=MARKUP, version=MARKUP, started_at=now, at=now, detail=MARKUP
    )
    for topic, record in ((CAMERA_STATUS, down), (EVENTS, seen), (ALERTS, raised), (WINDOWS, told), (ROLES, alive)):
        site.send(topic, record)
    site.send(WINDOWS, told.model_copy(update={"id": "room-101", "scope": Scope.CAMERA}))


def break_(site: Site, shown: Shown, now: datetime) -> None:
    """What would stop a page that took it: no numbers, a window of no length, ranges that end first, a huge picture."""
    minute = now.replace(second=0, microsecond=0)
    window = Window(
        scope=Scope.CAMERA, site=SITE, id="room-102", spec="60s", start=minute, end=minute, revision=0, final=True,
        as_of=now, frames=FrameCounts(expected=1), coverage=0.5, cameras={}, n_face_frames=0, n_tracks=0, n_told=0,
        n_abstained=0,
    )  # fmt: skip
    ledger = Ledger(
        site=SITE, camera="room-102", session=1, written_at=now, covers_from=now, covers_to=now, first_seq=0,
        next_seq=0, expected=1, dropped={"full": [SeqRange(first=9, last=1)]}, state=CameraState.UP,
    )  # fmt: skip
    endless = window.model_copy(update={"end": minute + timedelta(minutes=1)})
    for topic, record, value in (
        (WINDOWS, window, window.encode()),
        (WINDOWS, window, endless.encode().replace(b'"coverage":0.5', b'"coverage":NaN')),
        (WINDOWS, window, endless.encode().replace(b'"60s"', b'"often"')),
        (EVENTS, ledger, ledger.encode()),
    ):
        site.producer.send(name(shown.kafka, topic), value, record.key.encode(), headers_of(record))
    header = FrameHeader(FrameId(SITE, "room-102", 2**50, 1), now, 640, 480, 0)
    headers = preview_headers(header, 8, 6, huge())
    site.producer.send(name(shown.kafka, PREVIEWS), huge(), f"{SITE}/room-102".encode(), headers)
    site.flush()


@pytest.fixture
def page(chromium: Browser, kafka: str, tmp_path: Path) -> Iterator[Shown]:
    settings = settings_of(kafka)
    with Site(settings, SITE, [Camera("room-101"), Camera("room-102", trouble="silent")]) as site:
        site.begin(hours=0.2)
        with dashboard(settings, SITE, tmp_path) as address:
            yield Shown(site, address, settings)


def test_what_a_record_says_is_text(chromium: Browser, page: Shown) -> None:
    now = datetime.now(UTC)
    write(page.site, now)
    break_(page.site, page, now)
    page.site.play()
    with opened(chromium, page.address) as shown:
        browsed = shown.page
        browsed.add_init_script(HITS)
        for path, there in VIEWS.items():
            browsed.goto(page.address + path)
            expect(browsed.locator(there).first).to_be_visible(timeout=LONG)
            expect(browsed.get_by_text(MARKUP).first).to_be_attached(timeout=LONG)
            assert browsed.locator("main img, main script").count() == 0
            assert browsed.evaluate("window.hits") == 0
        browsed.goto(page.address)
        tile = browsed.locator(".tile", has_text=CAMERA)
        expect(tile).to_contain_text(f"No connection · {MARKUP}")
        tile.get_by_role("link").click()
        expect(browsed.get_by_role("heading", name=CAMERA)).to_be_visible()
        expect(browsed.locator(".facts")).to_contain_text("javascript:hit()")
        assert browsed.locator("a[href^=javascript]").count() == 0
        assert browsed.evaluate("window.hits") == 0
        refused = [each for each in shown.noted.errors if "404" not in each]  # the huge picture is not served
        assert (refused, shown.noted.elsewhere) == ([], [])


def test_no_string_becomes_markup(chromium: Browser, page: Shown) -> None:
    with opened(chromium, page.address) as shown:
        script = "document.body.append(Object.assign(document.createElement('script'), {text: 'hit()'}))"
        for act in ("document.body.innerHTML = '<b>x</b>'", "document.write('x')", script):
            with pytest.raises(Error, match="Trusted"):
                shown.page.evaluate(f"() => {{ {act} }}")
        with shown.page.expect_console_message(lambda message: "Content Security Policy" in message.text):
            shown.page.evaluate("() => { new Image().src = 'https://evil.example/'; }")
        assert shown.noted.elsewhere == []


def test_an_address_that_is_none_says_so(chromium: Browser, page: Shown) -> None:
    page.site.play()
    with opened(chromium, page.address, "/camera/%E0%A4%A") as shown:
        expect(shown.page.locator(".live")).to_have_text("Live", timeout=LONG)
        expect(shown.page.get_by_text("There is no camera")).to_be_visible()
        shown.noted.none()
