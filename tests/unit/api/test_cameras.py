"""Cameras through the API: what is taken, what is refused and why, and what the audit log says of it."""

from __future__ import annotations

import pytest

from pipeline.messages import CameraState, Origin
from tests.unit.api.conftest import Serve, Served

HALL = {"uri": "rtsp://10.0.0.7:554/stream1", "id": "hall", "fps": 5}


def test_a_camera_from_its_adding_to_its_removal(site: Served) -> None:
    added = site("POST", "/v1/cameras", {**HALL, "reason": "new room"})
    assert (added.status_code, added.headers["location"]) == (201, "/v1/cameras/hall")
    assert (added.json()["uri"], added.json()["fps"], added.json()["origin"]) == (HALL["uri"], 5, "added")
    assert [camera["id"] for camera in site("GET", "/v1/cameras").json()["cameras"]] == ["hall"]
    changed = site("PATCH", "/v1/cameras/hall", {"masks": [[[0, 0], [0.5, 0], [0.5, 1]]]})
    assert (changed.status_code, changed.json()["fps"]) == (200, 5)
    assert site("POST", "/v1/cameras/hall/pause", {"reason": "cleaning"}).status_code == 204
    assert site("GET", "/v1/cameras/hall").json()["paused"] is True
    assert site("PATCH", "/v1/cameras/hall", {"fps": None}).json()["paused"] is True
    assert site("POST", "/v1/cameras/hall/resume", {}).status_code == 204
    assert site("DELETE", "/v1/cameras/hall").status_code == 204
    assert site("GET", "/v1/cameras/hall").status_code == 404
    actions = [(record.action, record.target, record.who, record.outcome, record.reason) for record in site.room.audit]
    assert actions == [
        ("camera.add", "camera/hall", "local", "done", "new room"),
        ("camera.change", "camera/hall", "local", "done", ""),
        ("camera.pause", "camera/hall", "local", "done", "cleaning"),
        ("camera.change", "camera/hall", "local", "done", ""),
        ("camera.resume", "camera/hall", "local", "done", ""),
        ("camera.remove", "camera/hall", "local", "done", ""),
    ]
    first, *_, last = site.room.audit
    assert (first.before, (first.after or {})["uri"]) == (None, HALL["uri"])
    assert ((last.before or {})["uri"], last.after) == (HALL["uri"], None)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"uri": "rtsp://ada:secret-word@10.0.0.7/1"}, "would be kept in clear; put user:password into the variable"),
        ({"uri": "http://10.0.0.7/1?password=secret-word"}, "would be kept in clear"),
        ({"uri": "/etc/passwd"}, "of kind path, which may not be added here"),
        ({"uri": "file:///etc"}, "of kind path"),
        ({"uri": "file://[x"}, "not a URL"),
        ({"uri": "ada:secret-word@10.0.0.7/1"}, "user and password, but no scheme"),
        ({"uri": "rtsp:/ada:secret-word@10.0.0.7/1"}, "the host is missing"),
        ({"uri": "rtsp://10.0.0.7/user=ada_password=secret-word_channel=1"}, "would be kept in clear"),
        ({"uri": "http://10.0.0.7/?src=rtsp://ada:secret-word@cam/1"}, "would be kept in clear"),
        ({"uri": "webcam:0"}, "of kind webcam"),
        ({"uri": "gopher://10.0.0.7"}, "gopher:// is not known"),
        ({"uri": "synthetic:?people=900"}, "people=900"),
        ({"uri": "rtsp://10.0.0.7/1", "credentials": "env:HOME"}, "variable that begins with CAMERA_"),
        ({"uri": "rtsp://10.0.0.7/1", "credentials": "ada:secret-word"}, "credentials: not env:CAMERA_"),
        ({"uri": "synthetic:", "credentials": "env:CAMERA_A"}, "credentials are for network cameras"),
        ({"uri": "synthetic:?id=a", "id": "b"}, "id: the URI says otherwise: a"),
        ({"uri": "synthetic:?fps=4", "fps": 5}, "fps: the URI says otherwise: 4"),
    ],
)
def test_what_cannot_be_a_camera(site: Served, asked: dict[str, object], said: str) -> None:
    refused = site("POST", "/v1/cameras", asked)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert said in refused.json()["detail"]
    assert "secret-word" not in refused.text
    [record] = site.room.audit
    assert (record.action, record.outcome, record.after) == ("camera.add", "refused", None)
    assert "secret-word" not in record.model_dump_json()


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, "/body/uri"),
        ({"uri": ""}, "/body/uri"),
        ({"uri": "synthetic:", "fps": 0}, "/body/fps"),
        ({"uri": "synthetic:", "fps": 1e300}, "/body/fps"),
        ({"uri": "synthetic:", "fps": "5"}, "/body/fps"),
        ({"uri": "synthetic:", "fps": True}, "/body/fps"),
        ({"uri": "synthetic:", "loop": "yes"}, "/body/loop"),
        ({"uri": "synthetic:", "id": "a/b"}, "/body/id"),
        ({"uri": "synthetic:", "frames": 1}, "/body/frames"),
        ({"uri": "synthetic:", "masks": [[[0, 0], [1, 1]]]}, "/body/masks/0"),
        ({"uri": "synthetic:", "masks": [[[0, 0], [1, 1], [1, 0]]] * 17}, "/body/masks"),
        ({"uri": "synthetic:", "masks": [[[0, 0], [1, 1], [2, 0]]]}, "/body/masks/0/2/0"),
    ],
)
def test_the_field_that_is_wrong_is_named(site: Served, asked: dict[str, object], pointer: str) -> None:
    refused = site("POST", "/v1/cameras", asked)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [pointer]
    [record] = site.room.audit
    assert (record.action, record.target, record.outcome) == ("api.call", "POST /v1/cameras", "refused")
    assert record.reason.startswith(f"{pointer}: ")


def test_other_kinds_are_a_setting(serve: Serve) -> None:
    site = serve(camera_kinds=["path"])
    assert site("POST", "/v1/cameras", {"uri": "/nowhere/clip.mp4"}).status_code == 201
    assert site("POST", "/v1/cameras", {"uri": "synthetic:"}).status_code == 422


def test_a_name_is_taken_once(site: Served) -> None:
    assert site("POST", "/v1/cameras", HALL).status_code == 201
    again = site("POST", "/v1/cameras", HALL)
    assert (again.status_code, again.json()["detail"]) == (
        409,
        "there is a camera hall already; change it, or give another id",
    )


def test_a_camera_of_the_settings_can_be_paused_but_not_changed(site: Served) -> None:
    site.room.heard("own")
    assert site("GET", "/v1/cameras/own").json()["origin"] == "settings"
    for method, path, body in (
        ("PATCH", "/v1/cameras/own", {"fps": 3}),
        ("DELETE", "/v1/cameras/own", None),
        ("POST", "/v1/cameras", {"uri": "synthetic:", "id": "own"}),
    ):
        refused = site(method, path, body)
        assert refused.status_code == 409
        assert "it stands in the settings of a capture process" in refused.json()["detail"]
    assert site("POST", "/v1/cameras/own/pause", {}).status_code == 204
    paused = site.room.view.desired("own")
    assert paused is not None
    assert (paused.paused, paused.origin) == (True, Origin.SETTINGS)
    assert site("PATCH", "/v1/cameras/own", {"fps": 3}).status_code == 409
    assert site("POST", "/v1/cameras/own/resume", {}).status_code == 204


def test_pausing_what_is_paused_is_nothing_new(site: Served) -> None:
    site("POST", "/v1/cameras", {**HALL, "paused": True})
    assert site("POST", "/v1/cameras/hall/pause", {}).status_code == 204
    assert [record.action for record in site.room.audit] == ["camera.add"]


def test_a_form_that_is_sent_as_it_stood_says_nothing_beside_the_uri(site: Served) -> None:
    added = site("POST", "/v1/cameras", {"uri": "synthetic:?fps=4&loop=true", "fps": None, "loop": False, "id": None})
    assert (added.status_code, added.json()["fps"], added.json()["loop"]) == (201, 4, True)


def test_a_change_that_the_uri_contradicts_is_refused(site: Served) -> None:
    site("POST", "/v1/cameras", {"uri": "synthetic:?fps=4&id=a"})
    refused = site("PATCH", "/v1/cameras/a", {"fps": 9})
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "fps: the URI says otherwise: 4.0; say it in one place",
    )
    assert site("PATCH", "/v1/cameras/a", {"uri": "synthetic:?id=b"}).status_code == 422
    assert site("PATCH", "/v1/cameras/a", {"uri": "synthetic:?fps=9"}).json()["fps"] == 9


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_camera_that_nobody_knows(site: Served, method: str) -> None:
    answer = site(method, "/v1/cameras/nobody", {} if method == "PATCH" else None)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_its_state_and_what_is_wrong_with_it(site: Served) -> None:
    site.room.heard("own", CameraState.DOWN)
    camera = site("GET", "/v1/cameras/own").json()
    assert (camera["state"], camera["condition"]["kind"], camera["condition"]["level"]) == (
        "down",
        "down",
        "attention",
    )


def test_a_test_picture_of_a_camera_that_is_there_is_masked_as_it_is(site: Served) -> None:
    mask, other = [[[0, 0], [0.5, 0], [0.5, 1]]], [[[0, 0], [1, 0], [0, 1]]]
    site("POST", "/v1/cameras", {**HALL, "masks": mask})
    for asked in ({"uri": HALL["uri"]}, {"uri": "rtsp://10.0.0.7/2", "id": "hall"}, {**HALL, "masks": other}):
        assert site("POST", "/v1/probe", asked).status_code == 200
    assert site("POST", "/v1/probe", {"uri": "rtsp://10.0.0.8/1"}).status_code == 200
    assert [(record.after or {})["masks"] for record in site.room.audit[1:]] == [mask, mask, other, []]


def test_a_test_picture_before_it_is_added(site: Served) -> None:
    picture = site("POST", "/v1/probe", {**HALL, "reason": "which way does it look"})
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert (picture.content[:2], picture.headers["x-frame-size"]) == (b"\xff\xd8", "1920x1080")
    none = site("POST", "/v1/probe", {"uri": "rtsp://nobody.example/1"})
    assert (none.status_code, none.json()["detail"]) == (422, "no picture came: no connection; is it on?")
    assert site("POST", "/v1/probe", {"uri": "webcam:0"}).status_code == 422
    assert [(record.action, record.outcome) for record in site.room.audit] == [
        ("camera.probe", "done"),
        ("camera.probe", "failed"),
        ("camera.probe", "refused"),
    ]
    assert site("GET", "/v1/cameras").json()["cameras"] == []


def test_a_change_that_cannot_be_written_into_the_audit_log_is_told_of_in_the_logs(
    site: Served, caplog: pytest.LogCaptureFixture
) -> None:
    site.room.mute = True
    assert site("POST", "/v1/cameras", HALL).status_code == 503
    assert site.room.view.desired("hall") is not None
    assert "camera.add of camera/hall by local was done and is not in the audit log" in caplog.text
    assert site("POST", "/v1/cameras", {"uri": "webcam:0"}).status_code == 422
    assert "camera.add of camera/new by local is not in the audit log" in caplog.text
