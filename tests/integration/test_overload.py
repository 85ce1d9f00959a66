"""An analyzer that is behind, on a real Kafka: what it gives up is told of every frame, and all of it adds up."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from pipeline.aggregate.account import Account
from pipeline.messages import FrameHeader, FrameId, Ledger, Observation, checksum
from pipeline.settings import KafkaSettings
from pipeline.topics import EVENTS
from tests.frames import AT, JPEG, Log, wait_until
from tests.integration.test_worker import working

OLD_SECONDS = 1.5
STEPS = {
    "no_previews_seconds": 0.2,
    "even_readings_seconds": 0.25,
    "half_frames_seconds": 0.3,
    "fewer_readings_seconds": 0.4,
    "drop_seconds": 1.0,
}


def send(log: Log, seqs: range, camera: str, live: bool) -> None:
    for seq in seqs:
        header = FrameHeader(FrameId("site", camera, 1, seq), AT, 160, 120, checksum(JPEG))
        log.send(f"site/{camera}", JPEG, replace(header, live=live).encode())
    log.ledger(seqs.start, seqs.stop, camera)


def ledgers(camera: str, upto: int) -> Any:
    """Whether the ledger record of this camera that covers `upto` frames has come out."""
    return lambda got: any(isinstance(m, Ledger) and m.camera == camera and m.next_seq == upto for m in got)


def test_what_is_given_up_is_counted_and_files_lose_nothing(kafka_settings: KafkaSettings) -> None:
    log = Log(kafka_settings)
    frames = 300
    send(log, range(frames), "live", live=True)
    send(log, range(frames), "file", live=False)
    log.producer.flush()
    written = time.monotonic()
    wait_until(lambda: time.monotonic() - written > OLD_SECONDS)  # they are old: it is behind from its first frame on
    with working(kafka_settings, overload=STEPS, commit_seconds=0.05, inflight_frames=32):
        both = log.read(EVENTS, lambda got: ledgers("live", frames)(got) and ledgers("file", frames)(got))
        assert any(isinstance(m, Observation) and "drop" in m.degradation for m in both)
        send(log, range(frames, frames + 20), "live", live=True)
        log.producer.flush()
        messages = log.read(EVENTS, ledgers("live", frames + 20))
    log.producer.close()
    account = Account()
    for message in messages:
        account.add(message)
    by_camera = account.cameras()
    live, file = by_camera["site/live"], by_camera["site/file"]
    assert (file.observed, file.dropped) == (frames, {})
    assert live.dropped["overload"] > 0
    assert live.observed + sum(live.dropped.values()) == frames + 20
    assert live.missing == 0
