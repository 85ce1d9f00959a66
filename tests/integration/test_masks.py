"""Masked cameras with their real processes: in no frame that is published is anything behind a mask."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.capture.memory import MemoryPublisher
from pipeline.capture.publisher import Done
from pipeline.capture.reconcile import Wanted
from pipeline.capture.service import CaptureService
from pipeline.masks import Polygons
from pipeline.messages import DesiredCamera, FrameHeader
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


def check(frames: list[tuple[FrameHeader, np.ndarray]], masks: Polygons = (TRIANGLE, CORNER)) -> None:
    for header, picture in frames:
        behind = inside(masks, header.width, header.height)
        assert picture.shape == (header.height, header.width, 3)
        assert header.masks == masks
        assert len(np.unique(picture[behind])) == 1
        assert picture[behind][0].max() <= 1  # black, as far as the JPEG's quality goes
        assert picture[~behind].std() > 5


def check_all(frames: list[tuple[FrameHeader, np.ndarray]]) -> None:
    assert len(frames) >= 5
    check(frames)
    assert len({picture.tobytes() for _, picture in frames}) > 1


@pytest.mark.parametrize("capture", [{}, {"max_side": 300, "jpeg_quality": 40}])
def test_of_a_synthetic_camera(capture: dict[str, float]) -> None:
    check_all(published("synthetic:?people=4&frames=8", **capture))


def test_of_a_camera_whose_pictures_change_their_size_and_turn(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number, (width, height) in enumerate([(640, 480), (480, 640), (101, 77), (1999, 33), (320, 240), (640, 480)]):
        cv2.imwrite(str(tmp_path / f"{number}.png"), rng.integers(60, 255, (height, width, 3), np.uint8))
    frames = published(str(tmp_path))
    assert len({(header.width, header.height) for header, _ in frames}) == 5
    for frame in frames:
        check([frame])


def test_masks_that_are_drawn_moved_and_taken_away_while_it_runs() -> None:
    """Each holds from the first frame of a session of its own on, and for all of it."""
    log, own = Kept(), Settings()
    service = CaptureService(own, log, Metrics("capture"))
    hall = DesiredCamera(
        site=own.site, id="hall", uri="synthetic:?people=4&fps=20", changed_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    by_session: dict[int, set[Polygons]] = {}

    def follow(masks: Polygons) -> bool:
        wanted = hall.model_copy(update={"masks": [list(polygon) for polygon in masks]})
        service.follow(Wanted({"hall": wanted}, frozenset({"hall"})))
        return sum(header.masks == masks for header, _ in log.frames_kept) >= 3

    drawn: tuple[Polygons, ...] = ((), (TRIANGLE,), (TRIANGLE, CORNER), (CORNER,))
    try:
        for masks in drawn:
            assert log.wait_for(partial(follow, masks), SOON)
    finally:
        service.stop(timeout=5)
    for header, jpeg in log.frames_kept:
        by_session.setdefault(header.frame_id.session, set()).add(header.masks)
        if header.masks:
            check([(header, cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))], header.masks)
    assert [by_session[session] for session in sorted(by_session)] == [{masks} for masks in drawn]


def test_of_clips(shared_data: Path) -> None:
    for clip in ("videos/again.mkv", "videos/classroom.gif", "videos/friday.mp4"):
        check_all(published(str(shared_data / clip)))
