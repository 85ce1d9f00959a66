"""The wall clock is set while cameras run: their times do not jump within a session, and sessions go on in order."""

from __future__ import annotations

import http.server
import threading
from datetime import timedelta
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from pipeline.capture.clock import SystemClock
from pipeline.capture.memory import MemoryPublisher
from pipeline.capture.numbering import last_sessions
from pipeline.capture.publisher import KafkaPublisher
from pipeline.capture.service import CaptureService, run
from pipeline.messages import CameraState, FrameHeader
from pipeline.metrics import Metrics
from pipeline.settings import CameraSettings, KafkaSettings, Settings
from tests.capturing import (
    CONNECTING,
    DOWN,
    ENDED,
    SOON,
    UP,
    capturing,
    check_account,
    gray_jpeg,
    mjpeg_camera,
    send_jpeg,
    start_mjpeg,
    video,
)

HOUR = 3600.0


class SetClock(SystemClock):
    """`ahead`: seconds that the wall clock is set ahead of the machine's."""

    ahead = 0.0

    def wall(self) -> float:
        return super().wall() + self.ahead


def steady_stream(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
    """20 frames/s until the line is cut."""
    start_mjpeg(handler)
    pause = threading.Event()
    while not pause.wait(0.05):
        send_jpeg(handler, gray_jpeg())


def sessions_of(log: MemoryPublisher) -> list[list[FrameHeader]]:
    """The frames of each session, in the order of the log."""
    return [list(frames) for _, frames in groupby(log.frames("cam"), key=lambda frame: frame.frame_id.session)]


def check_times(log: MemoryPublisher) -> None:
    """Times never go back within a session, and each frame's lies where the ledger record behind it says."""
    for frames in sessions_of(log):
        session = frames[0].frame_id.session
        times = [frame.captured_at for frame in frames]
        assert all(timedelta(0) <= later - earlier < timedelta(seconds=60) for earlier, later in pairwise(times))
        for ledger in (each for each in log.ledgers("cam") if each.session == session):
            covered = [each for each in frames if ledger.first_seq <= each.frame_id.seq < ledger.next_seq]
            assert all(ledger.covers_from <= frame.captured_at <= ledger.covers_to for frame in covered)
            assert ledger.covers_to - ledger.covers_from < timedelta(seconds=60)
            assert ledger.expected < 60 * 60
    check_account(log, "cam")


def test_a_clock_that_is_set_ends_the_session_and_begins_another() -> None:
    clock = SetClock()

    def streams(count: int) -> bool:
        sessions = sessions_of(log)
        return len(sessions) == count and len(sessions[-1]) >= 10

    with (
        mjpeg_camera(steady_stream) as url,
        capturing(f"{url}?id=cam", clock=clock, backoff_seconds=0.1) as (_, log),
    ):
        assert log.wait_for(lambda: streams(1), SOON)
        clock.ahead = HOUR
        assert log.wait_for(lambda: streams(2), SOON)
        clock.ahead = 0
        assert log.wait_for(lambda: streams(3), SOON)
        clock.ahead = -1  # too little to be told from a clock that is kept right
        assert log.wait_for(lambda: len(sessions_of(log)[-1]) >= 30, SOON)
    right, ahead, back = sessions_of(log)
    numbers = [frames[0].frame_id.session for frames in (right, ahead, back)]
    assert numbers[0] + 3000 * 1000 < numbers[1] < numbers[2] < numbers[1] + 60 * 1000
    assert ahead[0].captured_at - right[-1].captured_at > timedelta(minutes=50)
    assert ahead[-1].captured_at - back[0].captured_at > timedelta(minutes=50)
    reasons = [status.reason for status in log.statuses if status.state is DOWN]
    assert reasons == ["the clock was set ahead by 3600 s", "the clock was set back by 3600 s"]
    check_times(log)


def test_a_clock_set_back_between_two_connections() -> None:
    clock = SetClock()

    def ends_at_first(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
        if number > 0:
            steady_stream(handler, number)
            return
        start_mjpeg(handler)
        for _ in range(6):
            send_jpeg(handler, gray_jpeg())
        clock.ahead = -HOUR

    with mjpeg_camera(ends_at_first) as url, capturing(f"{url}?id=cam", clock=clock) as (_, log):
        assert log.wait_for(lambda: len(sessions_of(log)) == 2, SOON)
    before, after = sessions_of(log)
    assert after[0].frame_id.session == before[0].frame_id.session + 1
    assert before[-1].captured_at - after[0].captured_at > timedelta(minutes=50)
    check_times(log)


def test_a_file_keeps_its_time(tmp_path: Path) -> None:
    clock = SetClock()
    with capturing(f"{video(tmp_path / 'clip.mp4', 40)}?id=cam", clock=clock) as (_, log):
        assert log.wait_for(lambda: len(log.frames("cam")) > 5, SOON)
        clock.ahead = HOUR
        assert log.wait_for(lambda: ENDED in log.states("cam"), SOON)
    assert log.states("cam") == [CONNECTING, UP, ENDED]
    check_times(log)


@pytest.mark.parametrize("site", ["site-1", "elsewhere"])
def test_numbers_grow_over_a_restart_with_the_clock_set_back(kafka_settings: KafkaSettings, site: str) -> None:
    """The first process's clock is an hour ahead. The next one knows its numbers from the log, another site's do not
    matter."""
    ahead = SetClock()
    ahead.ahead = HOUR
    cameras = [CameraSettings(uri="synthetic:?frames=3&realtime=false&id=cam&size=160x120")]
    first = Settings(kafka=kafka_settings, cameras=cameras)
    publisher = KafkaPublisher(kafka_settings)
    service = CaptureService(first, publisher, Metrics("capture"), clock=ahead)
    service.start()
    assert service.wait(threading.Event())
    publisher.close(5)
    assert service.states()["cam"].state is CameraState.ENDED
    number = service.states()["cam"].session
    assert last_sessions(kafka_settings, "site-1") == {"cam": number}
    assert run(first.model_copy(update={"site": site}), threading.Event()) == 0
    second = last_sessions(kafka_settings, site)["cam"]
    assert second == number + 1 if site == "site-1" else second < number
