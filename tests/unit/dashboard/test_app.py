"""What the page's server tells: records of the topics as JSON, pictures, the past."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

import pytest
from websockets.exceptions import ConnectionClosed

from pipeline.messages import AlertState, CameraState, CameraStatus, FrameCounts, Scope, Window
from pipeline.watch.camera import Preview
from tests.records import alert, face, observed
from tests.unit.dashboard.served import Page, hear, live, told

NOW = datetime.now(UTC).replace(microsecond=0)
SIZE = b"\xff\xc0\x00\x0b\x08"  # of a JPEG; then its height, its width


def jpeg(width: int, height: int) -> bytes:
    """As much of one as is looked at."""
    return b"\xff\xd8" + SIZE + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00\xff\xd9"


JPEG = jpeg(8, 6)


def window(
    start: datetime, length: int = 60, name: str = "cam", scope: Scope = Scope.CAMERA, **values: object
) -> Window:
    end = start + timedelta(seconds=length)
    told = {
        "scope": scope, "site": "site", "id": name, "spec": f"{length}s" if length == 60 else f"{length}s/60s",
        "start": start, "end": end, "revision": 0, "final": True, "as_of": end, "coverage": 0.9, "blind": 0.1,
        "frames": FrameCounts(expected=100, observed=90, dropped={"buffer_full": 10}), "cameras": {name: 0.9},
        "n_face_frames": 10, "n_tracks": 1, "n_told": 8, "n_abstained": 2,
        "label_share": {"happy": 0.75, "sad": 0.25}, **values,
    }  # fmt: skip
    return Window.model_validate(told)


def test_a_camera_as_the_page_is_told_of_it() -> None:
    page = Page()
    seen = observed(7, 0, [face("happy", "track-1", ["bed"])]).model_copy(
        update={"captured_at": NOW, "processed_at": NOW + timedelta(seconds=0.4), "width": 640, "height": 480}
    )
    page.know(
        CameraStatus(site="site", camera="cam", session=1, at=NOW, state=CameraState.UP, source="rtsp://10.0.0.7/"),
        seen,
        Preview("site", "cam", 1, 7, NOW, JPEG),
    )
    with page.client() as client:
        camera = hear(client)["camera/cam"]
        assert (camera["kind"], camera["level"], camera["preview"]) == ("sees", "fine", "1-7")
        assert camera["source"] == "rtsp://10.0.0.7/"
        assert camera["seen"] == {
            "at": int(NOW.timestamp() * 1000), "size": [640, 480], "more": 0,
            "faces": [{"box": [0, 0, 1, 1], "track": "track-1", "label": "happy", "confidence": 0.7, "untold": None,
                       "zones": ["bed"]}],
        }  # fmt: skip


def test_a_preview_is_served_as_it_came_and_only_if_it_is_a_small_jpeg() -> None:
    page = Page()
    odd = {"markup": b"<svg onload=alert(1)>", "huge": jpeg(30000, 30000), "cut": JPEG[:9], "sizeless": JPEG[:2] * 9}
    page.know(Preview("site", "cam", 1, 7, NOW, JPEG))
    page.know(*(Preview("site", name, 1, 7, NOW, value) for name, value in odd.items()))
    with page.client() as client:
        answer = client.get("/previews/cam")
        assert (answer.content, answer.headers["content-type"], answer.headers["etag"]) == (JPEG, "image/jpeg", '"1-7"')
        assert answer.headers["cache-control"] == "no-store"
        assert {client.get(f"/previews/{name}").status_code for name in (*odd, "nobody")} == {204}


def test_the_past_is_told_once_and_then_what_is_new() -> None:
    page = Page()
    start = NOW.replace(second=0) - timedelta(minutes=10)
    page.know(*(window(start + timedelta(minutes=n)) for n in range(3)), alert(id="cam", since=start, at=start))
    with page.client() as client:
        ask = {"scope": "camera", "id": "cam"}
        all_ = client.get("/data/history", params=ask).json()
        assert (all_["spec"], all_["specs"], len(all_["windows"]), len(all_["alerts"])) == ("60s", ["60s"], 3, 1)
        first = all_["windows"][0]
        assert first["shares"] == [0, 0, 0, 0.75, 0.25, 0, 0]
        assert (first["coverage"], first["blind"], first["dropped"], first["told"]) == (
            0.9,
            0.1,
            {"buffer_full": 10},
            8,
        )
        page.know(window(start + timedelta(minutes=3)))
        more = client.get("/data/history", params={**ask, "after": all_["version"]}).json()
        assert len(more["windows"]) == 1
        assert client.get("/data/history", params={**ask, "id": "nobody"}).json()["windows"] == []
        assert client.get("/data/history", params={**ask, "scope": "planet"}).status_code == 422
        assert client.get("/data/history", params={**ask, "after": -1}).status_code == 422


def test_what_is_withheld_stays_so() -> None:
    page = Page()
    page.know(window(NOW.replace(second=0), suppressed=True))
    with page.client() as client:
        [withheld] = client.get("/data/history", params={"scope": "camera", "id": "cam"}).json()["windows"]
        assert (withheld["shares"], withheld["suppressed"]) == (None, True)
        [cell] = client.get("/data/heat").json()["rows"]["camera/cam"]
        assert cell[1:3] == [None, None]


def test_an_overview_takes_windows_that_follow_on_one_another() -> None:
    page = Page()
    start = datetime.fromtimestamp(NOW.timestamp() // 300 * 300, UTC)
    page.know(*(window(start + timedelta(minutes=n), 300) for n in range(6)))
    page.know(window(start, 300, "bed", Scope.ZONE), window(start, 300, "site", Scope.SITE))
    with page.client() as client:
        rows = client.get("/data/heat", params={"spec": "300s/60s"}).json()["rows"]
        assert {key: len(cells) for key, cells in rows.items()} == {"camera/cam": 2, "zone/bed": 1}
        assert rows["camera/cam"][0] == [int(start.timestamp() * 1000), 3, 0.75, 0.9, 0.1]


def test_alerts_that_stand_and_those_that_are_over() -> None:
    page = Page()
    page.know(alert(), alert(alert_id="b", update=1, state=AlertState.CLEARED))
    with page.client() as client:
        alerts = hear(client)["alerts"]
        assert [each["id"] for each in alerts["standing"]] == ["0123456789abcdef"]
        assert [each["id"] for each in alerts["recent"]] == ["b"]


def test_pages_are_told_what_is_new_and_how_many_there_are() -> None:
    page = Page(dashboard={"refresh_seconds": 0.2, "connections": 1})
    with page.client() as client:
        with live(client) as connection:
            told(connection)
            with pytest.raises(ConnectionClosed, match=r"1013.*too many pages"), live(client) as second:
                told(second)
            page.know(CameraStatus(site="site", camera="new", session=1, at=NOW, state=CameraState.CONNECTING))
            while "camera/new" not in (news := told(connection))["changed"]:
                pass
            assert not news["whole"]
            assert page.opened == [1]
        with live(client) as again:  # once the first one is gone
            assert told(again)["whole"]
    assert page.opened[-1] == 0


def test_the_shell_is_served_at_each_view_and_nothing_else_is() -> None:
    with Page().client() as client:
        shells = {client.get(path).text for path in ("/", "/site", "/system", "/camera/a", "/zone/b")}
        assert len(shells) == 1
        assert [
            client.get(path).status_code for path in ("/nowhere", "/static/../app.py", "/static/%2e%2e/app.py")
        ] == [404] * 3
        assert client.get("/healthz").json()["alive"]
