"""Cameras with their real processes over a log in memory, for tests of capture."""

from __future__ import annotations

import http.server
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import psutil

from pipeline.capture.clock import Clock
from pipeline.capture.memory import MemoryPublisher
from pipeline.capture.service import CaptureService
from pipeline.messages import CameraState, FrameHeader
from pipeline.metrics import Metrics
from pipeline.settings import CameraSettings, CaptureSettings, Settings

CONNECTING, UP, DOWN = CameraState.CONNECTING, CameraState.UP, CameraState.DOWN
ENDED, FAILED, STOPPED = CameraState.ENDED, CameraState.FAILED, CameraState.STOPPED
SOON = 30.0

Running = tuple[CaptureService, MemoryPublisher]


def settings(*uris: str, **capture: float) -> Settings:
    return Settings(cameras=[CameraSettings(uri=uri) for uri in uris], capture=CaptureSettings(**capture))


@contextmanager
def capturing(
    *uris: str, log: MemoryPublisher | None = None, clock: Clock | None = None, **capture: float
) -> Iterator[Running]:
    log = log or MemoryPublisher()
    service = CaptureService(settings(*uris, **capture), log, Metrics("capture"), clock=clock)
    service.start()
    try:
        yield service, log
    finally:
        service.stop(timeout=5)


def finished(*uris: str, **capture: float) -> MemoryPublisher:
    """The log of cameras that end by themselves."""
    with capturing(*uris, **capture) as (service, log):
        assert log.wait_for(service.ended, SOON) or ended_soon(service)
    return log


def ended_soon(service: CaptureService) -> bool:
    gone = threading.Event()
    threading.Timer(SOON, gone.set).start()
    return service.wait(gone)


def child_of(service: CaptureService, camera: str) -> psutil.Process:
    """The process of a camera that is up; with several, they are told apart by age."""
    ids = list(service.states())
    children = sorted(psutil.Process().children(), key=lambda child: child.create_time())
    mine = [child for child in children if "pipeline.capture.child" in child.cmdline()]
    return mine[ids.index(camera)] if len(mine) == len(ids) else mine[-1]


def video(path: Path, frames: int = 20, fps: float = 20.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), fps, (320, 240))
    for index in range(frames):
        writer.write(np.full((240, 320, 3), 5 * index % 256, np.uint8))
    writer.release()
    return path


def check_account(log: MemoryPublisher, camera: str) -> None:
    """The ledgers of each session cover its frames without a gap, each behind its frames, the final one last."""
    for session in {ledger.session for ledger in log.ledgers(camera)}:
        ledgers = [ledger for ledger in log.ledgers(camera) if ledger.session == session]
        seqs = [frame.frame_id.seq for frame in log.frames(camera) if frame.frame_id.session == session]
        dropped = sum(len(each) for ledger in ledgers for ranges in ledger.dropped.values() for each in ranges)
        assert ledgers[0].first_seq == 0
        assert all(a.next_seq == b.first_seq for a, b in pairwise(ledgers))
        assert all(a.covers_to == b.covers_from for a, b in pairwise(ledgers))
        assert ledgers[-1].next_seq == len(set(seqs)) + dropped
        assert [ledger.final for ledger in ledgers] == [False] * (len(ledgers) - 1) + [True]
    newest: dict[tuple[str, int], int] = {}
    for record in log.log:
        if isinstance(record, FrameHeader):
            newest[record.frame_id.camera, record.frame_id.session] = record.frame_id.seq
        elif record.camera == camera:
            assert newest.get((camera, record.session), -1) < record.next_seq


@contextmanager
def mjpeg_camera(answer: Callable[[http.server.BaseHTTPRequestHandler, int], None]) -> Iterator[str]:
    """An HTTP camera; `answer` serves the n-th connection."""
    count = itertools.count()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, next(count))

        def log_message(self, *args: object) -> None:
            """Quiet."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """Who watches may hang up."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/video.mjpg"
    finally:
        server.shutdown()
        server.server_close()


Answer = Callable[[http.server.BaseHTTPRequestHandler, int], None]


def start_mjpeg(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
    handler.end_headers()


def send_jpeg(handler: http.server.BaseHTTPRequestHandler, jpeg: bytes) -> None:
    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    handler.wfile.write(head.encode() + jpeg + b"\r\n")


def gray_jpeg(width: int = 64, height: int = 48, level: int = 90) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), level, np.uint8))[1].tobytes()
