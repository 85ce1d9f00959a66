"""Frames as capture writes them, and a detector and a model that fit the seams and cost nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np

from pipeline.analyze.detections import Detections
from pipeline.classify.classifier import CropSpec, Scored
from pipeline.errors import ClassifierUnavailable
from pipeline.kafka.clients import producer
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import CameraState, FrameHeader, FrameId, Ledger, ModelRef, checksum, headers_of
from pipeline.settings import KafkaSettings
from pipeline.topics import FRAMES, name

AT = datetime(2026, 1, 1, tzinfo=UTC)
PICTURE = cv2.resize(np.random.default_rng(0).integers(60, 200, (12, 16, 3), np.uint8), (160, 120))  # nothing flat
JPEG = cv2.imencode(".jpg", PICTURE)[1].tobytes()
PATIENCE = 60.0  # seconds until a test gives up


class OneFace:
    """Finds one face in every picture."""

    ref = ModelRef(name="one-face")

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        box = np.array([[20, 20, 60, 60]], np.float32)
        return [Detections(box, np.ones(1, np.float32)) for _ in images]


class Even:
    """Scores every crop evenly; `failures` requests fail first."""

    model = ModelRef(name="even")
    crop = CropSpec()
    abstain_below = 0.0

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.answered = 0

    def classify(self, crops: Sequence[np.ndarray]) -> Scored:
        if self.failures:
            self.failures -= 1
            raise ClassifierUnavailable("down")
        self.answered += len(crops)
        return Scored(np.full((len(crops), 7), 1 / 7, np.float32))

    def close(self) -> None:
        pass


class Log:
    """Writes frames as capture does, and reads what became of them."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.kafka = kafka
        self.producer = producer(kafka)

    def frame(self, seq: int, camera: str = "cam", jpeg: bytes = JPEG, **changes: bytes) -> None:
        header = FrameHeader(
            FrameId("site", camera, 1, seq), AT + timedelta(seconds=seq / 10), 160, 120, checksum(jpeg)
        )
        headers = [(key, changes.get(key, value)) for key, value in header.encode()]
        self.send(f"site/{camera}", jpeg, headers)

    def ledger(self, first: int, following: int, camera: str = "cam", **values: Any) -> None:
        ledger = Ledger(
            site="site", camera=camera, session=1, written_at=AT, covers_from=AT, covers_to=AT, first_seq=first,
            next_seq=following, expected=following - first, state=CameraState.UP, **values,
        )  # fmt: skip
        self.send(ledger.key, ledger.encode(), headers_of(ledger))

    def send(self, key: str, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        self.producer.send(name(self.kafka, FRAMES), value, key.encode(), headers)

    def read(self, topic: str, done: Callable[[list[Any]], bool]) -> list[Any]:
        """Messages of the topic in order, once `done` says they are all there."""
        self.producer.flush()
        messages: list[Any] = []
        give_up = datetime.now(UTC) + timedelta(seconds=PATIENCE)
        with Reader(self.kafka, [topic]) as reader:
            reader.from_beginning()
            while not done(messages):
                assert datetime.now(UTC) < give_up, f"only {len(messages)} messages: {messages[-3:]}"
                messages += [parse(record) for record in reader.poll(0.2)]
        return messages


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = datetime.now(UTC) + timedelta(seconds=PATIENCE)
    pause = threading.Event()
    while not condition():
        assert datetime.now(UTC) < give_up
        pause.wait(0.02)
