"""A second model that reads the same crops as the first: its answers are compared, and told to nobody else.

The first model's answer is given at once. What the shadow is to read waits in a queue that is bounded by requests and
by bytes, for a thread of its own; what finds no room there is skipped and counted. Whatever becomes of the shadow, the
first model's answers are what they would be without it.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from pipeline.classify.classifier import Classifier, Crop, CropSpec, Probabilities, Scored
from pipeline.errors import ClassifierUnavailable, UsageError
from pipeline.messages import ModelRef
from pipeline.metrics import Metrics

log = logging.getLogger(__name__)

CLOSE_SECONDS = 1.0  # an answer that takes longer is not waited for


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A request that the first model has answered."""

    crops: Sequence[Crop]
    scored: Scored
    nbytes: int


class Shadowed:
    """See Classifier: it is the first model, watched by a shadow.

    `batches`, `max_bytes`: of requests that wait. Raises UsageError when the shadow wants other crops: one that was
    enlarged or framed for another model would be read worse than in its own place, which says nothing of the model.
    """

    def __init__(self, first: Classifier, shadow: Classifier, metrics: Metrics, batches: int, max_bytes: int) -> None:
        if shadow.crop != first.crop:
            raise UsageError(
                f"classify.shadow: {shadow.model.name} wants crops of {_told(shadow.crop)}, "
                f"{first.model.name} of {_told(first.crop)}; both must be given the same",
                "emostream replay --model compares models of any crops, on frames that were kept",
            )
        self.model: ModelRef = first.model
        self.crop: CropSpec = first.crop
        self.abstain_below = first.abstain_below
        self._first = first
        self._shadow = shadow
        self._metrics = metrics
        self._max_bytes = max_bytes
        self._batches = batches
        self._waiting: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()  # None: it is closed
        self._bytes = 0  # of those waiting
        self._lock = threading.Lock()  # of `_bytes`, and of what goes into the queue
        self._closed = False
        self._answers = True
        self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def classify(self, crops: Sequence[Crop]) -> Scored:
        """See Classifier."""
        scored = self._first.classify(crops)
        if len(crops):
            self._offer(Asked(crops, scored, sum(crop.nbytes for crop in crops)))
        return scored

    def close(self) -> None:
        """What waits is dropped. A shadow that is at work is not waited for longer than CLOSE_SECONDS."""
        with self._lock:
            self._closed = True
            self._waiting.put(None)
        try:
            self._shadow.close()
        except Exception as error:  # the first one is to be closed, too
            log.warning("the shadow model was not closed in good order: %r", error)
        self._first.close()
        self._thread.join(CLOSE_SECONDS)

    def _offer(self, asked: Asked) -> None:
        with self._lock:
            room = self._waiting.qsize() < self._batches and self._bytes + asked.nbytes <= self._max_bytes
            if room:
                self._waiting.put(asked)
                self._bytes += asked.nbytes
        if not room:
            self._skip(len(asked.crops), "full")

    def _work(self) -> None:
        """The shadow's thread, until it is closed."""
        while (asked := self._waiting.get()) is not None and not self._closed:
            with self._lock:
                self._bytes -= asked.nbytes
            try:
                self._compare(asked.scored, self._shadow.classify(asked.crops))
            except Exception as error:
                self._fail(len(asked.crops), error)
            else:
                self._answers = True

    def _fail(self, faces: int, error: Exception) -> None:
        if self._closed:
            return
        self._skip(faces, "unavailable" if isinstance(error, ClassifierUnavailable) else "error")
        if self._answers:
            log.warning("the shadow model does not answer: %r", error)
        self._answers = False

    def _compare(self, first: Scored, shadow: Scored) -> None:
        if len(shadow.probabilities) != len(first.probabilities):
            raise ValueError(f"answers for {len(shadow.probabilities)} of {len(first.probabilities)} crops")
        both = [n for n in range(len(first.probabilities)) if n not in first.errors and n not in shadow.errors]
        self._skip(len(first.probabilities) - len(both), "unscored")
        ours, theirs = first.probabilities[both], shadow.probabilities[both]
        self._metrics.shadow_faces.labels(self._shadow.model.name, self._shadow.model.version).inc(len(both))
        self._metrics.shadow_label_changes.inc(int((ours.argmax(1) != theirs.argmax(1)).sum()))
        for distance in total_variation(ours, theirs):
            self._metrics.shadow_score_distance.observe(float(distance))

    def _skip(self, faces: int, reason: str) -> None:
        if faces:
            self._metrics.shadow_skipped.labels(reason).inc(faces)


def total_variation(first: Probabilities, second: Probabilities) -> Probabilities:
    """(N, 7), (N, 7) -> (N,) half the sum of differences: 0 alike, 1 nothing in common."""
    distances: Probabilities = np.abs(first - second).sum(1) / 2
    return distances


def _told(crop: CropSpec) -> str:
    return f"{crop.size} px, {crop.color}, margin {crop.margin:g}"
