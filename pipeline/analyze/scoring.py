"""Faces on their way to the model: packed into requests, which threads of their own hold open until it answers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

from pipeline.analyze.batching import Batch, Batcher
from pipeline.analyze.held import Job
from pipeline.analyze.image import Image
from pipeline.analyze.spans import requesting
from pipeline.classify.classifier import Classifier, Scored
from pipeline.classify.versions import Read, Versions
from pipeline.errors import ClassifierUnavailable
from pipeline.metrics import Metrics
from pipeline.settings import AnalyzeSettings
from pipeline.traces import Spans

log = logging.getLogger(__name__)

MODEL_RETRY_SECONDS = (0.2, 2.0)  # first pause between tries, and the longest

Request = Batch[tuple[Job, int]]
"""Each crop with its frame, and which of the frame's faces it shows."""


class Scoring:
    """For the worker's loop, but for `waiting` and `busy`, which any thread may ask for.

    `answered`: is given each request with what was said of it and the seconds that took, on a thread of the pool.
    `stop`: ends the asking. A request is for one model alone: faces of cameras that different versions read travel
    apart.
    """

    def __init__(
        self,
        settings: AnalyzeSettings,
        versions: Versions,
        metrics: Metrics,
        spans: Spans | None,
        answered: Callable[[Request, Read, float], None],
        stop: threading.Event,
    ) -> None:
        self.waiting = False  # for a model that does not answer
        self._versions = versions
        self._metrics = metrics
        self._spans = spans
        self._answered = answered
        self._stop = stop
        self._requests = settings.requests
        self._limits = settings.batch_faces, settings.batch_wait_seconds
        self._batchers: dict[Classifier, Batcher[tuple[Job, int]]] = {}  # those that hold faces
        self._pool = ThreadPoolExecutor(settings.requests, "request")
        self._asking = 0  # requests that are with the model or wait for a thread that asks it

    @property
    def busy(self) -> bool:
        """Whether all threads ask, and there are faces for more."""
        return self._asking > self._requests

    def add(self, job: Job, faces: Sequence[int], crops: Sequence[Image], now: float) -> None:
        """Faces of a frame, one crop each, for `job.reader`; they wait for others, up to the limits of the settings."""
        batcher = self._batchers.setdefault(job.reader, Batcher(*self._limits))
        for request in batcher.add([(job, face) for face in faces], crops, now):
            self._ask(request)

    def send_due(self, now: float, alone: bool) -> None:
        """What has waited for its time; and what nothing is gained for by waiting.

        `alone`: no other frame is looked at, so that nothing joins it soon. With the model at rest it goes at once.
        """
        for reader, batcher in list(self._batchers.items()):
            due = batcher.flush() if alone and not self._asking else batcher.due(now)
            if due is not None:
                self._ask(due)
            if not len(batcher):
                del self._batchers[reader]

    def taken(self) -> None:
        """An answer has come to the loop."""
        self._asking -= 1

    def close(self) -> None:
        """What is under way is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, request: Request) -> None:
        self._asking += 1
        self._pool.submit(self._classify, request)

    def _classify(self, request: Request) -> None:
        """In the pool. Asks until the model answers or the worker stops."""
        pause, longest = MODEL_RETRY_SECONDS
        reader = request.tokens[0][0].reader
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                with self._traced(request):
                    read = self._versions.classify(reader, request.crops)
            except ClassifierUnavailable as error:
                self._metrics.model_failures.inc()
                if not self.waiting:
                    log.warning("the model does not answer, reading pauses: %s", error)
                self.waiting = True
                self._stop.wait(pause)
                pause = min(2 * pause, longest)
                continue
            except Exception as error:  # a bug of ours must not stop the partition
                log.exception("scoring %d faces failed", len(request))
                read = Read(Scored.failed(len(request), f"internal: {error!r}"), reader)
            if self.waiting:
                log.warning("the model answers again")
            self.waiting = False
            self._metrics.batch_size.observe(len(request))
            took = time.monotonic() - began
            self._metrics.stage_duration.labels("classify").observe(took)
            self._answered(request, read, took)
            return

    def _traced(self, request: Request) -> AbstractContextManager[None]:
        """The span of a request, where one is kept."""
        if self._spans is None:
            return nullcontext()
        frames = dict.fromkeys(job.spans for job, _ in request.tokens if job.spans is not None)
        return requesting(self._spans, frames, len(request))
