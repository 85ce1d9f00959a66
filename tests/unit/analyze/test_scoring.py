"""When faces that wait for others go to the model."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from pipeline.analyze.held import Job
from pipeline.analyze.scoring import Request, Scoring
from pipeline.classify.classifier import Classifier, Crop, Scored
from pipeline.classify.versions import Versions
from pipeline.metrics import Metrics
from pipeline.settings import AnalyzeSettings

CROP = np.zeros((4, 4, 3), np.uint8)
WAIT = 0.05


class Model:
    """Answers each request when it is let."""

    def __init__(self) -> None:
        self.asked: queue.Queue[int] = queue.Queue()
        self.let = threading.Semaphore(0)

    def classify(self, crops: Sequence[Crop]) -> Scored:
        self.asked.put(len(crops))
        assert self.let.acquire(timeout=30)
        return Scored(np.full((len(crops), 7), 1 / 7, np.float32), {})


class Bench:
    """A Scoring, and the model that it asks."""

    def __init__(self) -> None:
        self.model = Model()
        self.answers: queue.Queue[int] = queue.Queue()
        versions = Versions(cast(Classifier, self.model), Metrics("analyze", CollectorRegistry()))
        settings = AnalyzeSettings(batch_faces=8, batch_wait_seconds=WAIT)
        self.stop = threading.Event()
        metrics = Metrics("analyze", CollectorRegistry())
        self.scoring = Scoring(settings, versions, metrics, None, self._answered, self.stop)

    def _answered(self, request: Request, read: Any, seconds: float) -> None:
        self.answers.put(len(request))

    def add(self, faces: int, now: float) -> None:
        job = cast(Job, SimpleNamespace(reader=self.model, spans=None))
        self.scoring.add(job, range(faces), [CROP] * faces, now)

    def answered(self) -> int:
        """Lets the model answer once."""
        self.model.let.release()
        count = self.answers.get(timeout=30)
        self.scoring.taken()
        return count


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.stop.set()
    made.model.let.release(10)
    made.scoring.close()


def test_a_face_that_nothing_joins_soon_goes_at_once_to_a_model_at_rest(bench: Bench) -> None:
    bench.add(2, now=0.0)
    bench.scoring.send_due(0.0, alone=True)
    assert bench.model.asked.get(timeout=30) == 2


def test_faces_wait_while_others_are_looked_for(bench: Bench) -> None:
    bench.add(2, now=0.0)
    bench.scoring.send_due(0.0, alone=False)
    bench.add(3, now=0.01)
    bench.scoring.send_due(0.01, alone=True)
    assert bench.model.asked.get(timeout=30) == 5


def test_faces_that_come_while_the_model_reads_travel_together(bench: Bench) -> None:
    bench.add(1, now=0.0)
    bench.scoring.send_due(0.0, alone=True)
    assert bench.model.asked.get(timeout=30) == 1
    for _ in range(3):
        bench.add(2, now=0.01)
        bench.scoring.send_due(0.01, alone=True)
        assert bench.model.asked.empty()
    assert bench.answered() == 1
    bench.scoring.send_due(0.02, alone=True)
    assert bench.model.asked.get(timeout=30) == 6


def test_no_face_waits_longer_than_the_settings_let_it(bench: Bench) -> None:
    bench.add(1, now=0.0)
    bench.scoring.send_due(0.0, alone=True)
    bench.add(2, now=0.0)
    bench.scoring.send_due(WAIT, alone=False)
    assert [bench.model.asked.get(timeout=30) for _ in range(2)] == [1, 2]


def test_a_full_request_goes_whatever_else_there_is(bench: Bench) -> None:
    bench.add(19, now=0.0)
    bench.scoring.send_due(0.0, alone=False)
    assert [bench.model.asked.get(timeout=30) for _ in range(2)] == [8, 8]
    assert [bench.answered(), bench.answered()] == [8, 8]
    bench.scoring.send_due(0.0, alone=True)
    assert bench.model.asked.get(timeout=30) == 3
