"""One picture of a camera before it is added: real camera processes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from pipeline.capture.probe import probe
from pipeline.capture.spec import CameraSpec
from pipeline.capture.uri import camera_specs
from pipeline.errors import SourceError
from pipeline.settings import CameraSettings, CaptureSettings, PrivacySettings, Settings

SETTINGS = Settings(capture=CaptureSettings(connect_timeout_seconds=5))


def spec(uri: str) -> CameraSpec:
    return camera_specs([CameraSettings(uri=uri)])[0]


def test_a_probe_gives_a_preview_and_the_true_size() -> None:
    probed = probe(spec("synthetic:?size=320x240&people=1"), SETTINGS)
    picture = cv2.imdecode(np.frombuffer(probed.jpeg, np.uint8), cv2.IMREAD_COLOR)
    cells = SETTINGS.privacy.preview_cells
    assert (probed.width, probed.height, probed.fps) == (320, 240, 10)
    assert picture.shape == (round(cells * 0.75), cells, 3)
    assert not [child for child in psutil.Process().children() if "pipeline.capture.child" in child.cmdline()]


@pytest.mark.parametrize(
    ("uri", "told"),
    [("rtsp://127.0.0.1:1/none", "onnection refused"), ("http://127.0.0.1:1/none.mjpg", "onnection refused")],
)
def test_a_camera_that_does_not_answer_says_why(uri: str, told: str) -> None:
    with pytest.raises(SourceError, match=told):
        probe(spec(uri), SETTINGS)


def test_a_file_that_is_no_video_says_so(tmp_path: Path) -> None:
    file = tmp_path / "notes.mp4"
    file.write_text("no video")
    with pytest.raises(SourceError):
        probe(spec(str(file)), SETTINGS)


def test_where_previews_are_off_there_is_no_picture() -> None:
    with pytest.raises(SourceError, match="privacy"):
        probe(spec("synthetic:"), Settings(privacy=PrivacySettings(previews=False)))
