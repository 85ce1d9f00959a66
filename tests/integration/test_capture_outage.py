"""Kafka stands still while cameras go on: capture's memory stays bounded, drops are counted, and it can be stopped."""

from __future__ import annotations

import http.server
import itertools
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from pipeline.kafka import clients
from pipeline.kafka.clients import apply_topics
from pipeline.local import jars, java
from pipeline.local import kafka as broker
from pipeline.local.folders import new_run
from pipeline.local.roles import write_settings
from pipeline.messages import FrameHeader, Kind, Ledger, record_kind
from pipeline.settings import CameraSettings, CaptureSettings, KafkaSettings, Settings
from pipeline.topics import FRAMES
from tests.capturing import mjpeg_camera, send_jpeg, start_mjpeg

MIB = 2**20
BUFFER_MIB = 16
COPIES = 3  # of a frame that waits: ours, to tell its fate; the producer's batch; and what is being made of it
SPARE_MIB = 48
PATIENCE = 60.0


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KafkaSettings, psutil.Process]]:
    """A broker that no other test minds, and its Java process."""
    run = new_run(tmp_path_factory.mktemp("kafka"))
    started = broker.start(java.find(), jars.fetch(jars.folder(), jars.read_lock()), run, threading.Event())
    machine = next(each for each in psutil.Process(started.process.pid).children() if "java" in each.name())
    try:
        yield KafkaSettings(bootstrap=started.bootstrap, partitions=2), machine
    finally:
        machine.resume()
        started.stop()
        run.close()


@contextmanager
def standing_still(machine: psutil.Process) -> Iterator[None]:
    machine.suspend()
    try:
        yield
    finally:
        machine.resume()


@pytest.fixture(scope="module")
def noisy_pictures() -> list[bytes]:
    """Some hundred kB each, as pictures of a leafy street are."""
    rng = np.random.default_rng(1)
    return [cv2.imencode(".jpg", rng.integers(0, 256, (480, 640, 3), np.uint8))[1].tobytes() for _ in range(4)]


@contextmanager
def capture(settings: Settings, folder: Path) -> Iterator[psutil.Popen]:
    """`emostream capture` as a process of its own."""
    file = write_settings(settings, folder)
    with (folder / "capture.log").open("w") as log:
        process = psutil.Popen([sys.executable, "-m", "pipeline.cli", "capture", "-c", str(file)], stderr=log)
        try:
            yield process
        finally:
            if process.is_running():
                process.kill()
                process.wait()


def read(kafka: KafkaSettings, enough: Callable[[list[FrameHeader | Ledger]], bool]) -> list[FrameHeader | Ledger]:
    """`frames` from its start until what was read is enough."""
    consumer = clients.consumer(kafka)
    records: list[FrameHeader | Ledger] = []
    give_up = time.monotonic() + PATIENCE
    try:
        clients.subscribe(consumer, kafka, [f"{kafka.topic_prefix}.{FRAMES}"])
        while not enough(records):
            assert time.monotonic() < give_up, f"only {len(records)} records"
            for batch in consumer.poll(timeout_ms=500).values():
                records += [decode(each.headers, each.value) for each in batch]
    finally:
        consumer.close()
    return records


def decode(headers: list[tuple[str, bytes]], value: bytes) -> FrameHeader | Ledger:
    return FrameHeader.decode(headers) if record_kind(headers) is Kind.FRAME else Ledger.decode(value)


def frames(records: list[FrameHeader | Ledger]) -> list[FrameHeader]:
    return [each for each in records if isinstance(each, FrameHeader)]


def drops(records: list[FrameHeader | Ledger]) -> int:
    ledgers = (each for each in records if isinstance(each, Ledger))
    return sum(len(seqs) for each in ledgers for ranges in each.dropped.values() for seqs in ranges)


@pytest.mark.timeout(300)
def test_memory_is_bounded_while_kafka_stands_still(
    own_broker: tuple[KafkaSettings, psutil.Process], noisy_pictures: list[bytes], tmp_path: Path
) -> None:
    kafka, machine = own_broker
    kafka = kafka.model_copy(update={"topic_prefix": "bounded"})
    apply_topics(kafka)
    sent = itertools.count()
    seen = 0

    def stream(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
        nonlocal seen
        start_mjpeg(handler)
        pause = threading.Event()
        while not pause.wait(0.03):
            seen = next(sent)
            send_jpeg(handler, noisy_pictures[seen % len(noisy_pictures)])

    limits = CaptureSettings(buffer_mebibytes=BUFFER_MIB, buffer_frames_per_camera=100_000)
    with mjpeg_camera(stream) as url:
        cameras = [CameraSettings(uri=f"{url}?id=cam")]
        settings = Settings(kafka=kafka, cameras=cameras, capture=limits)
        with capture(settings, tmp_path) as process:
            read(kafka, lambda records: len(frames(records)) >= 30)
            before = process.memory_info().rss
            most = before
            with standing_still(machine):
                start = seen
                needed = 4 * BUFFER_MIB * MIB // len(noisy_pictures[0])  # several times what the buffer holds
                while seen < start + needed:
                    most = max(most, process.memory_info().rss)
                    time.sleep(0.05)
            read(kafka, lambda records: drops(records) > 0)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
            records = read(kafka, lambda records: any(isinstance(each, Ledger) and each.final for each in records))
    print(f"memory grew by {(most - before) / MIB:.0f} MiB with a buffer of {BUFFER_MIB} MiB; {drops(records)} drops")
    assert most - before < (COPIES * BUFFER_MIB + SPARE_MIB) * MIB
    last = next(each for each in reversed(records) if isinstance(each, Ledger) and each.final)
    seqs = {each.frame_id.seq for each in frames(records)}
    assert len(seqs) == len(frames(records))
    assert last.next_seq == len(seqs) + drops(records)


@pytest.mark.timeout(300)
def test_capture_can_be_stopped_while_kafka_stands_still(
    own_broker: tuple[KafkaSettings, psutil.Process], tmp_path: Path
) -> None:
    kafka, machine = own_broker
    kafka = kafka.model_copy(update={"topic_prefix": "stopped"})
    apply_topics(kafka)
    cameras = [CameraSettings(uri=f"synthetic:?fps=20&seed={seed}&size=320x240") for seed in range(3)]
    cameras.append(CameraSettings(uri="synthetic:?realtime=false&size=320x240"))
    with capture(Settings(kafka=kafka, cameras=cameras), tmp_path) as process:
        read(kafka, lambda records: len(frames(records)) >= 60)
        children = process.children(recursive=True)
        with standing_still(machine):
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code = process.wait(PATIENCE)
            print(f"stopped after {time.monotonic() - began:.1f} s")
    assert code == 0
    assert len(children) == len(cameras)
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []
    assert "not delivered" in (tmp_path / "capture.log").read_text()
