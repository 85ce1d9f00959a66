"""A second model that reads the same crops as the one that answers, on a thread of its own: its answers are compared.

What it is to read waits in a queue that is bounded by requests and by bytes; what finds no room there is skipped and
counted. Whatever becomes of it, the first model's answers are what they would be without it.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.classify.classifier import Classifier, Crop, Probabilities, Scored
from pipeline.errors import ClassifierUnavailable
from pipeline.metrics import Metrics

log = logging.getLogger(__name__)

CLOSE_SECONDS = 1.0  # an answer that takes longer is not waited for
BATCHES, MOST_BYTES = 16, 32 * 2**20  # that wait, unless told otherwise


@dataclass(frozen=True, slots=True)
class Compared:
    """What two models said of the same crops: `faces` that both have read; see RolloutFigures."""

    faces: int
    label_changes: int
    distance: float


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A request that the first model has answered."""

    crops: Sequence[Crop]
    scored: Scored
    nbytes: int


class Along:
    """`other`: the model that reads along; whoever made it closes it. `batches`, `max_bytes`: of requests that wait.

    `told`: is given each comparison, None where `other` did not answer as it should.
    """

    def __init__(
        self,
        other: Classifier,
        metrics: Metrics,
        batches: int = BATCHES,
        max_bytes: int = MOST_BYTES,
        told: Callable[[Compared | None], None] = lambda compared: None,
    ) -> None:
        self.other = other
        self._metrics = metrics
        self._max_bytes = max_bytes
        self._batches = batches
        self._told = told
        self._waiting: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()  # None: it is closed
        self._bytes = 0  # of those waiting
        self._lock = threading.Lock()  # of `_bytes`, and of what goes into the queue
        self._closed = False
        self._answers = True
        self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)
        self._thread.start()

    def offer(self, crops: Sequence[Crop], scored: Scored) -> None:
        """What the first model was asked, and its answer."""
        if not len(crops):
            return
        asked = Asked(crops, scored, sum(crop.nbytes for crop in crops))
        with self._lock:
            room = self._waiting.qsize() < self._batches and self._bytes + asked.nbytes <= self._max_bytes
            if room:
                self._waiting.put(asked)
                self._bytes += asked.nbytes
        if not room:
            self._skip(len(asked.crops), "full")

    def close(self) -> None:
        """What waits is dropped."""
        with self._lock:
            self._closed = True
            self._waiting.put(None)

    def join(self) -> None:
        """What is at work is not waited for longer than CLOSE_SECONDS."""
        self._thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        """The thread, until it is closed."""
        while (asked := self._waiting.get()) is not None and not self._closed:
            with self._lock:
                self._bytes -= asked.nbytes
            try:
                compared = self._compare(asked.scored, self.other.classify(asked.crops))
            except Exception as error:
                self._fail(len(asked.crops), error)
            else:
                self._told(compared)
                self._answers = True

    def _fail(self, faces: int, error: Exception) -> None:
        if self._closed:
            return
        self._told(None)
        self._skip(faces, "unavailable" if isinstance(error, ClassifierUnavailable) else "error")
        if self._answers:
            log.warning("the shadow model does not answer: %r", error)
        self._answers = False

    def _compare(self, first: Scored, other: Scored) -> Compared:
        if len(other.probabilities) != len(first.probabilities):
            raise ValueError(f"answers for {len(other.probabilities)} of {len(first.probabilities)} crops")
        both = [n for n in range(len(first.probabilities)) if n not in first.errors and n not in other.errors]
        self._skip(len(first.probabilities) - len(both), "unscored")
        ours, theirs = first.probabilities[both], other.probabilities[both]
        changes = int((ours.argmax(1) != theirs.argmax(1)).sum())
        self._metrics.shadow_faces.labels(self.other.model.name, self.other.model.version).inc(len(both))
        self._metrics.shadow_label_changes.inc(changes)
        distances = total_variation(ours, theirs)
        for distance in distances:
            self._metrics.shadow_score_distance.observe(float(distance))
        return Compared(len(both), changes, float(distances.sum()))

    def _skip(self, faces: int, reason: str) -> None:
        if faces:
            self._metrics.shadow_skipped.labels(reason).inc(faces)


def total_variation(first: Probabilities, second: Probabilities) -> Probabilities:
    """(N, 7), (N, 7) -> (N,) half the sum of differences: 0 alike, 1 nothing in common."""
    distances: Probabilities = np.abs(first - second).sum(1) / 2
    return distances
