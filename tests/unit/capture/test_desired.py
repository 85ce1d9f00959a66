"""From what is asked of a camera to what its process is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.capture.desired import define, spec_of
from pipeline.capture.spec import CameraKind
from pipeline.errors import UsageError
from pipeline.messages import DesiredCamera

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def asked(uri: str, **more: Any) -> DesiredCamera:
    return define("site-1", uri, at=NOW, by="anna", exists=lambda path: False, **more)


def test_a_camera_takes_its_options_from_its_uri() -> None:
    camera = asked("rtsp://10.0.0.7/stream?fps=5&id=hall")
    assert (camera.id, camera.fps, camera.key) == ("hall", 5, "site-1/hall")
    assert spec_of(camera, {}).location == "rtsp://10.0.0.7/stream"


def test_credentials_come_from_a_variable() -> None:
    camera = asked("rtsp://10.0.0.7:8554/stream", camera_id="hall", credentials="env:CAMERA_HALL")
    spec = spec_of(camera, {"CAMERA_HALL": "carer:p@ss:w/rd"})
    assert spec.location == "rtsp://carer:p%40ss%3Aw%2Frd@10.0.0.7:8554/stream"
    assert spec.public_uri == "rtsp://***@10.0.0.7:8554/stream"
    assert "p@ss" not in camera.encode().decode()
    with pytest.raises(UsageError, match="env:CAMERA_HALL: no user:password in it"):
        spec_of(camera, {})


@pytest.mark.parametrize(
    ("uri", "more", "told"),
    [
        ("rtsp://anna:secret@10.0.0.7/s", {}, "in clear"),
        ("http://10.0.0.7/s?token=abc", {}, "in clear"),
        ("rtsp://10.0.0.7/s", {"credentials": "env:AWS_SECRET_ACCESS_KEY"}, "CAMERA_"),
        ("rtsp://10.0.0.7/s", {"credentials": "secret"}, "env:CAMERA_"),
        ("synthetic:?people=2", {"credentials": "env:CAMERA_X"}, "for network cameras"),
        ("/etc/passwd", {"kinds": {CameraKind.NETWORK}}, "of kind path"),
        ("synthetic:?people=2", {"fps": 0}, "fps"),
        ("synthetic:?people=900", {}, "people=900"),
        ("ftp://10.0.0.7/s", {}, "ftp:// is not known"),
        ("", {}, "empty"),
        ("synthetic:", {"camera_id": "a/b"}, "no name"),
    ],
)
def test_what_cannot_be_is_refused(uri: str, more: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        asked(uri, **more)
    assert told in str(refused.value)
    assert "secret@" not in str(refused.value)
    assert "abc" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"masks": [[(0.0, 0.0), (1.0, 1.0)]]}, "masks.0"),
        ({"masks": [[(0.0, 0.0), (2.0, 0.0), (0.0, 1.0)]]}, "masks.0"),
        ({"credentials": "env:AWS_SECRET_ACCESS_KEY"}, "credentials"),
        ({"id": "../hall"}, "no name"),
        ({"uri": "synthetic:?id=another"}, "the URI says another, the topic hall"),
        ({"uri": "file://[x"}, "not a URL"),
    ],
)
def test_a_record_of_the_topic_that_can_be_no_camera_is_refused(changes: dict[str, Any], told: str) -> None:
    """It is another one's: nothing of it may stop capture, or be sent anywhere."""
    camera = asked("synthetic:", camera_id="hall").model_copy(update=changes)
    with pytest.raises(UsageError) as refused:
        spec_of(camera, {"AWS_SECRET_ACCESS_KEY": "a:b"})
    assert told in str(refused.value)
