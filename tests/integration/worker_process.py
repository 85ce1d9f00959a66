"""An analyzer with a detector and a model that cost nothing, as a process to be killed: SETTINGS_FILE."""

from __future__ import annotations

import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from pipeline.analyze.vision import Vision
from pipeline.analyze.worker import Worker
from pipeline.kafka.clients import consumer
from pipeline.kafka.outbox import outbox
from pipeline.metrics import Metrics
from pipeline.settings import Settings, load
from tests.frames import Even, OneFace


def worker(settings: Settings) -> Worker:
    reader = consumer(settings.kafka, settings.kafka.group, group_instance_id="0", session_timeout_ms=10_000)
    vision = Vision(settings, OneFace(), Even())
    metrics = Metrics("analyze", CollectorRegistry())
    return Worker(settings, reader, outbox(settings, settings.kafka.group), vision, Even(), metrics)


if __name__ == "__main__":
    worker(load(Path(sys.argv[1]))).run()
