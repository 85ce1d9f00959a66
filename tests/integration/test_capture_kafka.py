"""Capture over a real Kafka: what is in the log when the cameras have ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pipeline import topics
from pipeline.capture.ahead import ASK_SECONDS
from pipeline.capture.publisher import KafkaPublisher
from pipeline.capture.service import CaptureService, run
from pipeline.errors import DependencyError
from pipeline.kafka import clients
from pipeline.kafka.lag import Lag
from pipeline.messages import CameraState, CameraStatus, FrameHeader, Kind, Ledger, checksum, record_kind
from pipeline.metrics import Metrics
from pipeline.settings import CameraSettings, CaptureSettings, KafkaSettings, Settings

Record = FrameHeader | Ledger | CameraStatus


def settings(kafka: KafkaSettings, *uris: str, **capture: float) -> Settings:
    cameras = [CameraSettings(uri=uri) for uri in uris]
    return Settings(kafka=kafka, cameras=cameras, capture=CaptureSettings(**capture))


@pytest.fixture
def read(kafka_settings: KafkaSettings) -> Iterator[Callable[[str, Callable[[list[Record]], bool]], list[Record]]]:
    """Reads a topic from its start until what was read is enough."""
    consumers = []

    def read_until(topic: str, enough: Callable[[list[Record]], bool]) -> list[Record]:
        consumer = clients.consumer(kafka_settings)
        consumers.append(consumer)
        clients.subscribe(consumer, kafka_settings, [topics.name(kafka_settings, topic)])
        records: list[Record] = []
        deadline = time.monotonic() + 30
        while not enough(records):
            assert time.monotonic() < deadline, f"only {len(records)} records on {topic}"
            for batch in consumer.poll(timeout_ms=500).values():
                records += [decode(each.headers, each.key, each.value) for each in batch]
        return records

    yield read_until
    for consumer in consumers:
        consumer.close()


def decode(headers: list[tuple[str, bytes]], key: bytes, value: bytes) -> Record:
    kind = record_kind(headers)
    if kind is Kind.FRAME:
        header = FrameHeader.decode(headers)
        assert header.crc == checksum(value)
        assert header.frame_id.key.encode() == key
        return header
    record = Ledger.decode(value) if kind is Kind.LEDGER else CameraStatus.decode(value)
    assert record.key.encode() == key
    return record


def finals(records: list[Record]) -> int:
    return sum(isinstance(each, Ledger) and each.final for each in records)


def test_frames_and_ledgers_stand_in_order(kafka_settings: KafkaSettings, read: Callable[..., list[Record]]) -> None:
    uris = ("synthetic:?frames=80&realtime=false&id=a", "synthetic:?frames=40&realtime=false&id=b&fps=5", "none.mp4")
    assert run(settings(kafka_settings, *uris), threading.Event()) == 1
    records = read(topics.FRAMES, lambda got: finals(got) == 3)
    identities = [each.frame_id for each in records if isinstance(each, FrameHeader)]
    for camera, count in (("a", 80), ("b", 40)):
        assert [each.seq for each in identities if each.camera == camera] == list(range(count))
        ledgers = [each for each in records if isinstance(each, Ledger) and each.camera == camera]
        assert ledgers[-1].final
        assert (ledgers[0].first_seq, ledgers[-1].next_seq) == (0, count)
        assert all(not each.dropped for each in ledgers)
    statuses = read(topics.CAMERA_STATUS, lambda got: len(got) >= 8)
    states = [each.state for each in statuses if isinstance(each, CameraStatus) and each.camera == "none"]
    assert states == [CameraState.CONNECTING, CameraState.FAILED]


def test_a_live_camera_stops_in_its_time(kafka_settings: KafkaSettings, read: Callable[..., list[Record]]) -> None:
    publisher, metrics = KafkaPublisher(kafka_settings), Metrics("capture")
    service = CaptureService(settings(kafka_settings, "synthetic:?fps=20&id=cam"), publisher, metrics)
    service.start()
    read(topics.FRAMES, lambda got: len(got) > 20)
    began = time.monotonic()
    service.stop()
    publisher.close(2)
    assert time.monotonic() - began < 5
    records = read(topics.FRAMES, lambda got: finals(got) == 1)
    frames = [each for each in records if isinstance(each, FrameHeader)]
    last = next(each for each in records if isinstance(each, Ledger) and each.final)
    assert last.state is CameraState.STOPPED
    assert last.next_seq == len(frames)
    published = metrics.registry.get_sample_value("emostream_frames_published_total", {"camera_id": "cam"})
    assert published == len(frames)
    assert metrics.registry.get_sample_value("emostream_inflight_frames", {"role": "capture"}) == 0


def test_no_kafka_is_one_clear_error() -> None:
    with pytest.raises(DependencyError, match=r"Kafka at 127\.0\.0\.1:9 does not answer"):
        run(settings(KafkaSettings(bootstrap="127.0.0.1:9"), "synthetic:"), threading.Event())


def test_topics_that_are_missing_are_one_clear_error(kafka: str) -> None:
    with pytest.raises(DependencyError, match=r"does not give topic nowhere\.frames"):
        run(settings(KafkaSettings(bootstrap=kafka, topic_prefix="nowhere"), "synthetic:"), threading.Event())


def test_a_file_waits_for_the_analyzers(kafka_settings: KafkaSettings, read: Callable[..., list[Record]]) -> None:
    """Nobody reads: it stands still near the bound. Once its frames are committed as read, it goes on to its end."""
    chosen = settings(kafka_settings, "synthetic:?frames=900&realtime=false&id=a&size=160x120", max_ahead_frames=100)
    finished: list[int] = []
    thread = threading.Thread(target=lambda: finished.append(run(chosen, threading.Event())))
    thread.start()
    with Lag(kafka_settings) as lag:
        deadline = time.monotonic() + 60
        before, since = -1, time.monotonic()
        while time.monotonic() - since < 3 * ASK_SECONDS or before <= 100:  # ledger records go on, one a second
            assert time.monotonic() < deadline
            now = lag.records()
            if now > before + 2:
                before, since = now, time.monotonic()
        assert before < 900
    reader = clients.consumer(kafka_settings, kafka_settings.group)
    clients.subscribe(reader, kafka_settings, [topics.name(kafka_settings, topics.FRAMES)])
    while not finished:
        assert time.monotonic() < deadline + 60
        reader.poll(timeout_ms=200)
        reader.commit()
    reader.close(autocommit=False)
    thread.join()
    assert finished == [0]
    records = read(topics.FRAMES, lambda got: finals(got) == 1)
    assert sum(isinstance(each, FrameHeader) for each in records) == 900
