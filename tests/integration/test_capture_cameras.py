"""Cameras with their real processes, over a log in memory."""

from __future__ import annotations

import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from pipeline.capture.memory import MemoryPublisher
from pipeline.capture.publisher import Done
from pipeline.capture.service import run
from pipeline.messages import CameraStatus, FrameHeader
from pipeline.settings import KafkaSettings
from tests.capturing import (
    CONNECTING,
    DOWN,
    ENDED,
    FAILED,
    SOON,
    STOPPED,
    UP,
    capturing,
    check_account,
    child_of,
    ended_soon,
    finished,
    gray_jpeg,
    mjpeg_camera,
    send_jpeg,
    settings,
    start_mjpeg,
    video,
)


def test_a_file_as_fast_as_it_goes(tmp_path: Path) -> None:
    log = finished(f"{video(tmp_path / 'clip.mp4')}?realtime=false")
    frames = log.frames("clip")
    assert [frame.frame_id.seq for frame in frames] == list(range(20))
    assert log.states("clip") == [CONNECTING, UP, ENDED]
    steps = {round((b.captured_at - a.captured_at).total_seconds(), 3) for a, b in pairwise(frames)}
    assert steps == {0.05}
    assert (frames[0].width, frames[0].height) == (320, 240)
    assert sum(ledger.expected for ledger in log.ledgers("clip")) == 20
    check_account(log, "clip")


def test_a_file_at_its_own_pace(tmp_path: Path) -> None:
    log = finished(str(video(tmp_path / "clip.mp4")))
    frames = log.frames("clip")
    assert len(frames) == 20
    assert (frames[-1].captured_at - frames[0].captured_at).total_seconds() == pytest.approx(0.95, abs=0.3)
    assert sum(ledger.expected for ledger in log.ledgers("clip")) == pytest.approx(20, abs=4)
    check_account(log, "clip")


def test_a_cap_and_a_smaller_picture(tmp_path: Path) -> None:
    log = finished(f"{video(tmp_path / 'clip.mp4')}?realtime=false&fps=5", max_side=160)
    frames = log.frames("clip")
    assert len(frames) == 5
    assert {round((b.captured_at - a.captured_at).total_seconds(), 3) for a, b in pairwise(frames)} == {0.2}
    assert (frames[0].width, frames[0].height) == (160, 120)
    image = cv2.imdecode(np.frombuffer(log.jpegs["clip"], np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (120, 160, 3)


def test_a_loop_goes_on_in_time(tmp_path: Path) -> None:
    with capturing(f"{video(tmp_path / 'clip.mp4')}?realtime=false&loop=true") as (_, log):
        assert log.wait_for(lambda: len(log.frames("clip")) >= 70, SOON)
    times = [frame.captured_at for frame in log.frames("clip")]
    assert {round((b - a).total_seconds(), 3) for a, b in pairwise(times)} == {0.05}
    assert log.states("clip") == [CONNECTING, UP, STOPPED]
    check_account(log, "clip")


def test_drawn_frames_carry_their_script() -> None:
    log = finished("synthetic:?frames=30&realtime=false&people=3&expression=sad")
    assert len(log.frames()) == 30
    assert {frame.scripted for frame in log.frames()} == {("sad", "sad", "sad")}


def test_what_cannot_be_read_fails_at_once_and_hurts_nobody(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video at all\n" * 99)
    (tmp_path / "empty").mkdir()
    paths = [str(tmp_path / name) for name in ("none.mp4", "text.mp4", "empty")]
    log = finished(*paths, "synthetic:?frames=9&realtime=false")
    assert {camera: log.states(camera) for camera in ("none", "text", "empty", "synthetic-1")} == {
        "none": [CONNECTING, FAILED],
        "text": [CONNECTING, FAILED],
        "empty": [CONNECTING, FAILED],
        "synthetic-1": [CONNECTING, UP, ENDED],
    }
    reasons = {status.camera: status.reason for status in log.statuses if status.state is FAILED}
    assert reasons["text"] == "a text file, not a video"
    assert reasons["none"] == "no such file or folder"
    for camera in ("none", "text", "empty"):
        check_account(log, camera)


def test_exit_codes(tmp_path: Path, kafka_settings: KafkaSettings) -> None:
    good = "synthetic:?frames=2&realtime=false"
    kafka = kafka_settings
    assert run(settings(good).model_copy(update={"kafka": kafka}), threading.Event()) == 0
    missing = settings(good, str(tmp_path / "none.mp4"))
    assert run(missing.model_copy(update={"kafka": kafka}), threading.Event()) == 1


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_a_process_that_hangs_or_dies_is_replaced(how: signal.Signals) -> None:
    names = ("synthetic-1", "synthetic-2")
    limits = {"stall_timeout_seconds": 1, "backoff_seconds": 0.1}
    with capturing("synthetic:?fps=20", "synthetic:?fps=20", **limits) as (service, log):
        assert log.wait_for(lambda: all(UP in log.states(name) for name in names), SOON)
        child_of(service, names[0]).send_signal(how)
        assert log.wait_for(lambda: any(log.states(name)[2:] == [DOWN, UP] for name in names), SOON)
    hurt, other = sorted(names, key=lambda name: DOWN not in log.states(name))
    reason = next(status.reason for status in log.statuses if status.state is DOWN)
    assert ("no frame for 1 s" if how == signal.SIGSTOP else "SIGKILL") in reason
    assert log.states(other) == [CONNECTING, UP, STOPPED]
    sessions = [frame.frame_id.session for frame in log.frames(hurt)]
    assert sessions == sorted(sessions)
    assert len(set(sessions)) == 2
    check_account(log, hurt)
    check_account(log, other)


@pytest.mark.parametrize("source", ["synthetic:", "clip.mp4"])
@pytest.mark.parametrize("pace", ["realtime=false", "fps=60"])
def test_a_file_whose_process_dies_goes_on_where_it_was(tmp_path: Path, source: str, pace: str) -> None:
    clip = str(video(tmp_path / "clip.mp4", 300, 60))
    uri = f"{clip}?id=cam&{pace}" if source == "clip.mp4" else f"synthetic:?frames=300&id=cam&{pace}"
    hung = Hung()  # holds the file up in its middle; one at its own pace is there anyway
    if pace != "realtime=false":
        hung.release()
    limits = {"backoff_seconds": 0.1, "buffer_frames_per_camera": 8}
    with capturing(uri, log=MemoryPublisher(hung), **limits) as (service, log):
        assert log.wait_for(lambda: len(log.frames("cam")) >= 8, SOON)
        child_of(service, "cam").kill()
        hung.release()
        assert ended_soon(service)
    frames = log.frames("cam")
    assert len({frame.frame_id for frame in frames}) == len(frames) == 300
    sessions = [frame.frame_id.session for frame in frames]
    assert sessions == sorted(sessions)
    assert len(set(sessions)) == 2
    assert log.states("cam") == [CONNECTING, UP, DOWN, UP, ENDED]
    finals = [ledger for ledger in log.ledgers("cam") if ledger.final]
    assert sum(ledger.next_seq for ledger in finals) == 300
    times = [frame.captured_at for frame in frames]
    assert times == sorted(times)
    check_account(log, "cam")


@contextmanager
def silent_server() -> Iterator[int]:
    """Takes connections and says nothing; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_connect_that_hangs_is_ended_and_tried_again() -> None:
    limits = {"connect_timeout_seconds": 0.5, "backoff_seconds": 0.1}
    with silent_server() as port, capturing(f"rtsp://user:s3cret@127.0.0.1:{port}/x?id=cam", **limits) as (_, log):
        assert log.wait_for(lambda: len({ledger.session for ledger in log.ledgers("cam")}) >= 3, SOON)
    sessions = [ledger.session for ledger in log.ledgers("cam")]
    assert sessions == sorted(sessions)
    assert log.states("cam")[:2] == [CONNECTING, DOWN]
    assert "s3cret" not in "".join(status.model_dump_json() for status in log.statuses)
    check_account(log, "cam")


def test_stop_does_not_wait_for_a_connect_that_hangs() -> None:
    with silent_server() as port, capturing(f"rtsp://127.0.0.1:{port}/x") as (service, log):
        assert log.wait_for(lambda: bool(log.ledgers()), SOON)
        before = time.monotonic()
        service.stop(timeout=10)
        assert time.monotonic() - before < 2
    assert log.statuses[-1].state is STOPPED
    assert log.ledgers()[-1].final


def test_processes_die_with_their_parent() -> None:
    script = """if True:
        import os, time
        from pipeline.capture.connection import CameraProcess
        from pipeline.capture.spec import CameraKind, CameraSpec, ReadOptions
        process = CameraProcess(CameraSpec("a", CameraKind.SYNTHETIC, "", "synthetic:"), ReadOptions())
        wake, _ = os.pipe()
        while process.hear(5, wake) is None: pass
        print(process.pid, flush=True)
        time.sleep(60)
    """
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert psutil.wait_procs([child], timeout=10)[1] == []


class Hung:
    """Answers nothing until told to."""

    def __init__(self) -> None:
        self.waiting: list[Done] = []
        self.released = threading.Event()

    def __call__(self, record: object, done: Done) -> None:
        if isinstance(record, CameraStatus) or self.released.is_set():
            done(None)
        else:
            self.waiting.append(done)

    def release(self) -> None:
        self.released.set()
        while self.waiting:
            self.waiting.pop(0)(None)


def test_a_broker_that_does_not_answer_holds_up_a_file_and_drops_from_a_live_camera() -> None:
    hung = Hung()
    log = MemoryPublisher(hung)
    uris = ("synthetic:?frames=60&realtime=false&id=file", "synthetic:?fps=40&id=live")
    with capturing(*uris, log=log, buffer_frames_per_camera=10, stall_timeout_seconds=0.5) as (service, _):
        assert log.wait_for(lambda: len(log.frames("file")) == len(log.frames("live")) == 10, SOON)
        time.sleep(1.5)  # longer than the stall timeout: a source that is held up is not a dead one
        assert log.states("file") == [CONNECTING, UP]
        assert log.states("live") == [CONNECTING, UP]
        hung.release()
        assert log.wait_for(lambda: ENDED in log.states("file"), SOON)
        assert log.wait_for(lambda: len(log.frames("live")) > 30, SOON)
        assert service.states()["live"].state is UP
    assert [frame.frame_id.seq for frame in log.frames("file")] == list(range(60))
    assert all(not ledger.dropped for ledger in log.ledgers("file"))
    assert set().union(*(ledger.dropped for ledger in log.ledgers("live"))) == {"buffer_full"}
    check_account(log, "file")
    check_account(log, "live")


def test_an_internal_error_ends_one_camera_only() -> None:
    def answer(record: object, done: Done) -> None:
        if isinstance(record, FrameHeader) and record.frame_id.camera == "bad":
            raise RuntimeError("boom")
        done(None)

    log = MemoryPublisher(answer)
    with capturing("synthetic:?id=bad", "synthetic:?frames=5&id=good&realtime=false", log=log) as (service, _):
        assert ended_soon(service)
    assert log.states("bad")[-1] is FAILED
    assert log.states("good") == [CONNECTING, UP, ENDED]


def frames_then_end(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
    start_mjpeg(handler)
    for _ in range(6):
        send_jpeg(handler, gray_jpeg())


def test_nothing_leaks_over_reconnects() -> None:
    def use() -> tuple[int, int, int]:
        me = psutil.Process()
        return me.num_fds(), threading.active_count(), len(me.children())

    def sessions() -> int:
        return len({frame.frame_id.session for frame in log.frames("cam")})

    with (
        mjpeg_camera(frames_then_end) as url,
        capturing(f"{url}?id=cam", backoff_seconds=0.01, backoff_max_seconds=0.01) as (_, log),
    ):
        assert log.wait_for(lambda: sessions() >= 3, SOON)
        before = use()
        assert log.wait_for(lambda: sessions() >= 12, 2 * SOON)
        after = use()
    assert all(late <= early + 3 for early, late in zip(before, after, strict=True))
    check_account(log, "cam")


@pytest.mark.parametrize(("code", "told"), [(401, "password"), (404, "404 Not Found")])
def test_a_camera_that_refuses_says_why(code: int, told: str) -> None:
    with (
        mjpeg_camera(lambda handler, number: handler.send_error(code)) as url,
        capturing(url.replace("127", "user:s3cret@127") + "?id=cam") as (_, log),
    ):
        assert log.wait_for(lambda: DOWN in log.states("cam"), SOON)
    (reason,) = {status.reason for status in log.statuses if status.state is DOWN}
    assert told in reason
    assert "s3cret" not in reason


def test_the_camera_processes_environment_is_light() -> None:
    """A camera process imports neither pydantic nor Kafka: it starts in a fraction of a second."""
    code = "import sys, pipeline.capture.child, pipeline.capture.source, pipeline.capture.video; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert not {"pydantic", "kafka", "yaml", "prometheus_client"} & set(told.stdout.split())
