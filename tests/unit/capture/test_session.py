"""One session over a log that answers when the test says so."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.capture import wire
from pipeline.capture.budget import Budget, InFlight
from pipeline.capture.clock import SessionClock
from pipeline.capture.memory import MemoryPublisher
from pipeline.capture.publisher import Done
from pipeline.capture.session import Outlet, Session
from pipeline.messages import CameraState, FrameHeader, Ledger, SeqRange
from pipeline.metrics import Metrics
from pipeline.topics import MAX_RECORD_BYTES

START = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


BEGAN = 70.0  # steady time at START
CLOCK = SessionClock(START.timestamp(), BEGAN)


def steady(seconds: float) -> float:
    return BEGAN + seconds


def frame(seconds: float, size: int = 100) -> wire.Frame:
    return wire.Frame(seconds, steady(seconds), 640, 480, 10.0, ("happy",), b"x" * size)


class Held:
    """Answers that the test gives."""

    def __init__(self) -> None:
        self.open: list[tuple[object, Done]] = []

    def __call__(self, record: object, done: Done) -> None:
        self.open.append((record, done))

    def settle(self, kind: type, error: str | None = None) -> int:
        due = [each for each in self.open if isinstance(each[0], kind)]
        self.open = [each for each in self.open if not isinstance(each[0], kind)]
        for _, done in due:
            done(error)
        return len(due)


class Bench:
    def __init__(self, live: bool, frames: int = 3) -> None:
        self.answers = Held()
        self.log = MemoryPublisher(self.answers)
        self.budget = Budget(10**6, frames)
        self.metrics = Metrics("capture")
        self.go = threading.Event()
        self.go.set()
        self.session = Session(Outlet("site", self.budget, self.go, self.log, self.metrics), "cam", 5, CLOCK, live)

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"emostream_{name}", {"camera_id": "cam", **labels}) or 0.0

    def last_ledger(self) -> Ledger:
        return self.log.ledgers()[-1]


def test_a_frame_is_published_with_its_identity() -> None:
    bench = Bench(live=True)
    assert bench.session.add(frame(0.5), timeout=0)
    (header,) = bench.log.frames()
    assert header.frame_id.event_id == "site/cam/5/0"
    assert header.captured_at == after(0.5)
    assert (header.width, header.height, header.scripted) == (640, 480, ("happy",))
    assert FrameHeader.decode(header.encode()) == header
    version, trace, span, flags = header.traceparent.split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "00")


def test_a_file_waits_while_the_analyzers_are_too_far_behind_and_a_live_camera_does_not() -> None:
    for live in (True, False):
        bench = Bench(live)
        bench.go.clear()
        assert bench.session.add(frame(0.1), timeout=0) == live
        assert bench.session.captured == live
        bench.go.set()
        assert bench.session.add(frame(0.2), timeout=0)


def test_a_live_camera_drops_what_has_no_room_and_says_so() -> None:
    bench = Bench(live=True, frames=2)
    for index in range(5):
        assert bench.session.add(frame(index / 10), timeout=0)
    assert bench.answers.settle(FrameHeader) == 2
    assert bench.session.add(frame(0.6), timeout=0)
    bench.session.write_ledger(steady(1), CameraState.UP, "")
    assert bench.last_ledger().dropped == {"buffer_full": [SeqRange(first=2, last=4)]}
    assert (bench.last_ledger().first_seq, bench.last_ledger().next_seq) == (0, 6)
    assert bench.count("frames_captured_total") == 6
    assert bench.count("frames_published_total") == 2
    assert bench.count("frames_dropped_total", stage="capture", reason="buffer_full") == 3


def test_a_file_waits_and_drops_nothing() -> None:
    bench = Bench(live=False, frames=2)
    assert [bench.session.add(frame(index / 10), timeout=0) for index in range(3)] == [True, True, False]
    assert bench.session.captured == 2
    bench.answers.settle(FrameHeader)
    assert bench.session.add(frame(0.2), timeout=0)
    bench.session.write_ledger(steady(100), CameraState.UP, "")
    assert bench.last_ledger().dropped == {}


def test_a_frame_too_large_for_a_record_is_dropped_by_files_too() -> None:
    bench = Bench(live=False)
    assert bench.session.add(frame(0, MAX_RECORD_BYTES), timeout=0)
    bench.session.write_ledger(steady(1), CameraState.UP, "")
    assert bench.last_ledger().dropped == {"too_large": [SeqRange(first=0, last=0)]}
    assert bench.log.frames() == []


def test_a_failed_frame_of_a_live_camera_is_told_after_its_ledger() -> None:
    bench = Bench(live=True)
    bench.session.add(frame(0), timeout=0)
    bench.session.write_ledger(steady(1), CameraState.UP, "")
    assert bench.last_ledger().dropped == {}
    bench.answers.settle(Ledger)
    bench.answers.settle(FrameHeader, "KafkaTimeoutError")
    bench.session.write_ledger(steady(2), CameraState.UP, "")
    assert bench.last_ledger().dropped == {"publish_failed": [SeqRange(first=0, last=0)]}
    assert bench.budget.in_flight() == InFlight(0, 0)


def test_a_failed_frame_of_a_file_is_sent_again_until_delivered() -> None:
    bench = Bench(live=False)
    bench.session.add(frame(0), timeout=0)
    for _ in range(3):
        assert bench.answers.settle(FrameHeader, "KafkaTimeoutError") == 1
        assert bench.budget.in_flight().frames == 1
        assert not bench.session.finish(steady(1), CameraState.ENDED, "")
        bench.session.write_ledger(steady(1), CameraState.ENDED, "")
        bench.answers.settle(Ledger)
    bench.answers.settle(FrameHeader)
    assert bench.budget.in_flight() == InFlight(0, 0)
    assert len({header.frame_id for header in bench.log.frames()}) == 1
    assert not bench.session.finish(steady(2), CameraState.ENDED, "")
    bench.answers.settle(Ledger)
    assert bench.session.finish(steady(2), CameraState.ENDED, "")
    assert bench.last_ledger().final


def test_the_final_record_waits_for_every_fate() -> None:
    bench = Bench(live=True)
    bench.session.add(frame(0), timeout=0)
    assert not bench.session.finish(steady(1), CameraState.STOPPED, "")
    assert bench.log.ledgers() == []
    bench.answers.settle(FrameHeader, "gone")
    assert not bench.session.finish(steady(1), CameraState.STOPPED, "")
    assert bench.last_ledger().final
    assert bench.last_ledger().dropped == {"publish_failed": [SeqRange(first=0, last=0)]}
    bench.answers.settle(Ledger, "gone")
    assert not bench.session.finish(steady(2), CameraState.STOPPED, "")
    assert bench.last_ledger().dropped == {"publish_failed": [SeqRange(first=0, last=0)]}
    bench.answers.settle(Ledger)
    assert bench.session.finish(steady(2), CameraState.STOPPED, "")


def test_one_ledger_record_under_way_at_a_time() -> None:
    bench = Bench(live=True)
    for second in range(1, 4):
        bench.session.write_ledger(steady(second), CameraState.DOWN, "gone")
    assert len(bench.log.ledgers()) == 1
    bench.answers.settle(Ledger, "no broker")
    bench.session.write_ledger(steady(4), CameraState.DOWN, "gone")
    assert bench.last_ledger().covers_from == START


def test_expected_frames() -> None:
    live, file = Bench(live=True), Bench(live=False)
    for bench in (live, file):
        bench.session.expect_one()
        bench.session.add(frame(0), timeout=0)
        bench.session.expect(steady(2), 10.0)
        bench.session.write_ledger(steady(2), CameraState.UP, "")
    assert live.last_ledger().expected == 21.0
    assert file.last_ledger().expected == 1.0


def test_no_frame_is_older_than_the_ledger_before_it() -> None:
    bench = Bench(live=True)
    bench.session.write_ledger(steady(1), CameraState.UP, "")
    bench.session.add(frame(0.99), timeout=0)
    bench.session.add(frame(1.01), timeout=0)
    assert [each.captured_at for each in bench.log.frames()] == [after(1), after(1.01)]


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_files_keep_media_time(seconds: float) -> None:
    bench = Bench(live=False)
    bench.session.add(frame(seconds), timeout=0)
    bench.session.write_ledger(steady(3600), CameraState.UP, "")
    assert bench.log.frames()[0].captured_at == after(seconds)
    assert bench.last_ledger().covers_to == after(seconds)
