"""The analyzer as a Ray actor: assembles one Worker and runs it. Kafka, not Ray, owns retry."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import ray

from pipeline.analyze.heap import one_heap
from pipeline.cores import forbid
from pipeline.logs import set_up
from pipeline.messages import RoleState
from pipeline.settings import ResolvedSettings

if TYPE_CHECKING:
    from pipeline.analyze.status import Status
    from pipeline.analyze.worker import Worker


ACTOR_OPTIONS = {
    "max_restarts": 0,
    "max_task_retries": 0,
    "max_concurrency": 3,
    "num_cpus": 0,
    "enable_task_events": False,  # of which Ray's head keeps each, and we ask for a status every second
}


class Analyzer:
    """A member of the consumer group. `run` works until `stop`; `status` answers meanwhile."""

    def __init__(self, settings_json: str, index: int) -> None:
        forbid()  # Ray may be somebody else's
        one_heap()
        self._settings = ResolvedSettings.model_validate_json(settings_json)
        self._index = index
        self._worker: Worker | None = None
        self._metrics_port = 0
        self._stopped = False
        file = self._settings.log_dir and self._settings.log_dir / f"analyzer-{index}.log"
        set_up(self._settings.log_level, file, logs=self._settings.logs, role="analyze")

    def run(self) -> None:
        """Work until `stop`. Raises what ended the worker."""
        from pipeline.analyze.detect import make as make_detector
        from pipeline.analyze.opencv import cv2
        from pipeline.analyze.vision import Vision
        from pipeline.analyze.worker import Worker
        from pipeline.classify.choose import make as make_classifier
        from pipeline.classify.choose import make_served
        from pipeline.classify.versions import Versions
        from pipeline.kafka.clients import consumer
        from pipeline.kafka.heartbeat import Heartbeat
        from pipeline.kafka.members import instance
        from pipeline.kafka.outbox import outbox
        from pipeline.metrics import Metrics
        from pipeline.rollout.registry import Following
        from pipeline.traces import close, start

        cv2.setNumThreads(1)
        settings = self._settings
        metrics = Metrics("analyze")
        self._metrics_port = metrics.serve(settings.metrics.host)
        classifier = make_classifier(settings.classify, metrics)
        versions = Versions(classifier, metrics, partial(make_served, settings.classify))
        group = settings.kafka.group
        member = instance(settings.kafka, self._index)
        reader = consumer(
            settings.kafka,
            group,
            group_instance_id=member,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
        )
        writer = outbox(settings, member)
        vision = Vision(settings, make_detector(settings.detect, settings.model_dir), classifier)
        spans = start(settings.traces, "analyze", str(self._index))
        place = str(self._index)
        heartbeat = Heartbeat(
            settings, "analyze", self._metrics_port, place, self._state, metrics=metrics, figures=versions.figures
        )
        self._worker = Worker(
            settings,
            reader,
            writer,
            vision,
            classifier,
            metrics,
            spans=spans,
            versions=versions,
            kafka_time=heartbeat.kafka_time,
        )
        if self._stopped:
            self._worker.stop()
        rollouts = Following(settings.kafka, settings.site, lambda known: versions.follow(*known))
        try:
            with rollouts, heartbeat:
                self._worker.run()
        finally:
            reader.close(autocommit=False, timeout_ms=2000)
            writer.close()
            versions.close()
            close(spans)

    def stop(self) -> None:
        self._stopped = True
        if self._worker is not None:
            self._worker.stop()

    def _state(self) -> tuple[RoleState, str]:
        """As signs of life tell it."""
        status = self._worker.status() if self._worker else None
        if status is not None and (status.waiting_for_kafka or status.waiting_for_model):
            return RoleState.WAITING, "for Kafka" if status.waiting_for_kafka else "for the model"
        return RoleState.RUNNING, ""

    def place(self) -> tuple[str, int]:
        """Node id and process id, so that a process that answers nothing can still be ended."""
        return ray.get_runtime_context().get_node_id(), os.getpid()

    def status(self) -> tuple[Status | None, int]:
        """The worker's status, None while it is being assembled, and the port of /metrics."""
        return (None if self._worker is None else self._worker.status()), self._metrics_port
