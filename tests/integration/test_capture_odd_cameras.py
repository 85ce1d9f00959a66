"""Cameras that do not keep to what they said: too many frames, another size midway, a picture that stands still."""

from __future__ import annotations

import http.server
import itertools
import threading
from itertools import pairwise

import cv2
import numpy as np
import pytest

from pipeline.capture.memory import MemoryPublisher
from pipeline.capture.publisher import Done
from pipeline.messages import FrameHeader, Ledger
from tests.capturing import (
    CONNECTING,
    SOON,
    STOPPED,
    UP,
    capturing,
    check_account,
    gray_jpeg,
    mjpeg_camera,
    send_jpeg,
    start_mjpeg,
)

CAP, TENFOLD = 5.0, 50.0
SIZES = ((64, 48), (96, 64), (48, 64), (320, 240), (64, 48))


def hurried(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
    start_mjpeg(handler)
    pause = threading.Event()
    while not pause.wait(1 / TENFOLD):
        send_jpeg(handler, gray_jpeg())


def test_a_camera_ten_times_as_fast_as_its_cap() -> None:
    """Frames above the cap are no captured frames: they have no number and no fate, and nothing is missing for them."""
    with mjpeg_camera(hurried) as url, capturing(f"{url}?id=cam&fps={CAP:g}") as (_, log):
        assert log.wait_for(lambda: len(log.frames("cam")) >= 30, 2 * SOON)
    frames, ledgers = log.frames("cam"), log.ledgers("cam")
    seconds = (frames[-1].captured_at - frames[0].captured_at).total_seconds()
    assert len(frames) <= CAP * seconds + 2
    assert [frame.frame_id.seq for frame in frames] == list(range(len(frames)))
    assert all(not ledger.dropped for ledger in ledgers)
    for ledger in ledgers[2:]:
        promised = CAP * (ledger.covers_to - ledger.covers_from).total_seconds()
        assert ledger.expected == pytest.approx(promised, abs=0.01)
    check_account(log, "cam")


def test_a_camera_ten_times_as_fast_as_the_broker_takes_it() -> None:
    """No cap, and nothing is acknowledged until enough were dropped: what has no room is dropped, with its number."""
    held: list[Done] = []
    enough = threading.Event()

    def answer(record: object, done: Done) -> None:
        if isinstance(record, FrameHeader) and not enough.is_set():
            held.append(done)
        else:
            done(None)

    def dropped() -> int:
        ledgers = (each for each in log.ledgers("cam"))
        return sum(len(seqs) for each in ledgers for ranges in each.dropped.values() for seqs in ranges)

    log = MemoryPublisher(answer)
    with (
        mjpeg_camera(hurried) as url,
        capturing(f"{url}?id=cam", log=log, buffer_frames_per_camera=5) as (_, _),
    ):
        assert log.wait_for(lambda: dropped() >= 45, SOON)
        enough.set()
        while held:
            held.pop()(None)
        before = len(log.frames("cam"))
        assert log.wait_for(lambda: len(log.frames("cam")) > before, SOON)
    reasons = set().union(*(ledger.dropped for ledger in log.ledgers("cam")))
    assert reasons == {"buffer_full"}
    last = next(ledger for ledger in reversed(log.ledgers("cam")) if ledger.final)
    assert last.next_seq == len(log.frames("cam")) + dropped()
    check_account(log, "cam")


class Sizes(MemoryPublisher):
    """Looks into each JPEG: `told` is what its header says, `found` what it is, (width, height)."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[int, int]] = []
        self.found: list[tuple[int, int]] = []

    def frame(self, header: FrameHeader, jpeg: bytes, done: Done) -> None:
        height, width = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape[:2]
        self.told.append((header.width, header.height))
        self.found.append((width, height))
        super().frame(header, jpeg, done)


def test_a_camera_that_changes_its_size() -> None:
    """Each frame is told with the size it has, in one session; what is too large is scaled down as ever."""

    def changing(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
        start_mjpeg(handler)
        pause = threading.Event()
        for width, height in itertools.cycle(SIZES):
            for _ in range(5):
                send_jpeg(handler, gray_jpeg(width, height))
                pause.wait(0.02)

    log = Sizes()
    with mjpeg_camera(changing) as url, capturing(f"{url}?id=cam", log=log, max_side=160) as (_, _):
        assert log.wait_for(lambda: len(log.frames("cam")) >= 60, 2 * SOON)
    assert log.told == log.found
    assert set(log.told) == {(64, 48), (96, 64), (48, 64), (160, 120)}
    assert sum(one != other for one, other in pairwise(log.told)) >= 8
    assert log.states("cam") == [CONNECTING, UP, STOPPED]
    check_account(log, "cam")


def test_a_camera_that_stands_still() -> None:
    """The same picture again and again is a picture each time: whether it is frozen is for analyze to say."""
    with mjpeg_camera(hurried) as url, capturing(f"{url}?id=cam") as (_, log):
        assert log.wait_for(lambda: len(log.frames("cam")) >= 100, 2 * SOON)
    frames = log.frames("cam")
    assert len({frame.crc for frame in frames}) == 1
    assert [frame.frame_id.seq for frame in frames] == list(range(len(frames)))
    assert log.states("cam") == [CONNECTING, UP, STOPPED]
    assert not any(ledger.dropped for ledger in log.ledgers("cam") if isinstance(ledger, Ledger))
    check_account(log, "cam")
