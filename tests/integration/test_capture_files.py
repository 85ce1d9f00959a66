"""Real clips: every frame that ffprobe counts is captured."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.capture.memory import MemoryPublisher
from pipeline.capture.service import CaptureService
from pipeline.metrics import Metrics
from pipeline.settings import CameraSettings, Settings

FRAMES = {  # ffprobe -count_frames
    "again.mkv": 77,
    "brother.mkv": 65,
    "friday.mp4": 185,
    "classroom.gif": 45,
    "head-pose-face-detection-female.gif": 23,
}


def capture(*uris: str) -> MemoryPublisher:
    log = MemoryPublisher()
    settings = Settings(cameras=[CameraSettings(uri=uri, realtime=False) for uri in uris])
    service = CaptureService(settings, log, Metrics("capture"))
    assert service.wait(threading.Event())
    service.stop()
    return log


@pytest.fixture
def videos(shared_data: Path) -> Path:
    return shared_data / "videos"


def test_every_frame_of_every_clip(videos: Path) -> None:
    log = capture(*(str(videos / name) for name in FRAMES))
    for name, count in FRAMES.items():
        frames = log.frames(Path(name).stem)
        assert len(frames) == count, name
        assert all(a.captured_at < b.captured_at for a, b in pairwise(frames)), name
        assert sum(ledger.expected for ledger in log.ledgers(Path(name).stem)) == count


def test_a_clip_under_a_cap(videos: Path) -> None:
    log = capture(f"{videos / 'again.mkv'}?fps=10")
    times = [frame.captured_at for frame in log.frames("again")]
    assert len(times) == 26  # 77 frames at 30/s, every third
    assert {round((b - a).total_seconds(), 1) for a, b in pairwise(times)} == {0.1}
