"""A frame whose observation is written has its fate: whatever is given up while an analyzer is behind, it stays so."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from prometheus_client import CollectorRegistry

from pipeline.analyze.held import Held
from pipeline.analyze.vision import Vision
from pipeline.analyze.worker import Worker
from pipeline.messages import FrameHeader, FrameId, checksum, headers_of
from pipeline.metrics import Metrics
from pipeline.settings import Settings, load
from tests.frames import AT, JPEG, Even, OneFace
from tests.records import observed

BEHIND_SECONDS = 60.0
SETTINGS = load(
    privacy={"mode": "aggregates"},
    overload={
        "no_previews_seconds": 1,
        "even_readings_seconds": 1,
        "half_frames_seconds": 2,
        "fewer_readings_seconds": 3,
        "drop_seconds": BEHIND_SECONDS / 2,
    },
)


def worker(settings: Settings) -> Worker:
    """One that is given its records by the test, and far behind."""
    nobody: Any = None  # neither read from nor written to
    classifier = Even()
    vision = Vision(settings, OneFace(), classifier)
    made = Worker(settings, nobody, nobody, vision, classifier, Metrics("analyze", CollectorRegistry()))
    made._overload.read(BEHIND_SECONDS)
    made._overload.judge(idle=False)
    return made


def frame(offset: int, seq: int) -> Any:
    """As kafka-python gives it, taken a while ago."""
    header = FrameHeader(FrameId("site", "cam", 1, seq), AT, 160, 120, checksum(JPEG), live=True)
    millis = int((time.time() - BEHIND_SECONDS) * 1000)
    return SimpleNamespace(offset=offset, key=b"site/cam", value=JPEG, headers=header.encode(), timestamp=millis)


def test_with_aggregates_a_frame_that_is_written_is_not_dropped_but_counted() -> None:
    behind = worker(SETTINGS)
    seen = observed(0, 1)
    tail = SimpleNamespace(value=seen.encode(), headers=headers_of(seen), timestamp=0, topic="", partition=0, offset=0)
    held = Held(0, [tail], behind._begin)
    again, new = behind._receive(frame(0, seen.seq), held), behind._receive(frame(1, seen.seq + 1), held)
    assert again is not None, "its faces are still to be counted"
    assert again.again
    assert new is None, "one that was never seen is dropped"
    again.finish(lambda: [])
    [_, dropped] = [make() for make in held.log.ready()]
    assert "overload" in str(dropped)
