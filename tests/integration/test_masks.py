"""Masked cameras with their real processes: in no frame that is published is anything behind a mask."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.capture.memory import MemoryPublisher
from pipeline.capture.publisher import Done
from pipeline.capture.service import CaptureService
from pipeline.messages import FrameHeader
from pipeline.metrics import Metrics
from pipeline.settings import CameraSettings, CaptureSettings, Settings
from tests.capturing import SOON
from tests.unit.core.test_masks import CORNER, TRIANGLE, inside

MASKS = [list(TRIANGLE), list(CORNER)]


class Kept(MemoryPublisher):
    """Keeps each frame."""

    def __init__(self) -> None:
        super().__init__()
        self.frames_kept: list[tuple[FrameHeader, bytes]] = []

    def frame(self, header: FrameHeader, jpeg: bytes, done: Done) -> None:
        self.frames_kept.append((header, jpeg))
        super().frame(header, jpeg, done)


def published(uri: str, **capture: float) -> list[tuple[FrameHeader, np.ndarray]]:
    log = Kept()
    camera = CameraSettings(uri=uri, masks=MASKS, realtime=False, fps=5)
    settings = Settings(cameras=[camera], capture=CaptureSettings(**capture))
    service = CaptureService(settings, log, Metrics("capture"))
    service.start()
    try:
        assert log.wait_for(service.ended, SOON)
    finally:
        service.stop(timeout=5)
    return [(header, cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)) for header, jpeg in log.frames_kept]


def check(frames: list[tuple[FrameHeader, np.ndarray]]) -> None:
    assert len(frames) >= 5
    height, width = frames[0][1].shape[:2]
    behind = inside((TRIANGLE, CORNER), width, height)
    for header, picture in frames:
        assert header.masks == (TRIANGLE, CORNER)
        assert len(np.unique(picture[behind])) == 1
        assert picture[behind][0].max() <= 1  # black, as far as the JPEG's quality goes
        assert picture[~behind].std() > 5
    assert len({picture.tobytes() for _, picture in frames}) > 1


@pytest.mark.parametrize("capture", [{}, {"max_side": 300, "jpeg_quality": 40}])
def test_of_a_synthetic_camera(capture: dict[str, float]) -> None:
    check(published("synthetic:?people=4&frames=8", **capture))


def test_of_clips(shared_data: Path) -> None:
    for clip in ("videos/again.mkv", "videos/classroom.gif", "videos/friday.mp4"):
        check(published(str(shared_data / clip)))
