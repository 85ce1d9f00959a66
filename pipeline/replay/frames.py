"""`emostream replay --topic frames`: the worker on old frames, and its observations beside those of the first time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kafka import TopicPartition
from prometheus_client import CollectorRegistry

from pipeline.analyze.detect import make as make_detector
from pipeline.analyze.opencv import cv2
from pipeline.analyze.vision import Vision
from pipeline.analyze.worker import Worker
from pipeline.classify.choose import make as make_classifier
from pipeline.classify.classifier import Classifier, golden
from pipeline.errors import BadRecord, ClassifierUnavailable, DependencyError, EmostreamError
from pipeline.kafka.clients import consumer
from pipeline.kafka.outbox import outbox
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import Idle, Kind, Ledger, Message, Observation, Stub, record_kind
from pipeline.metrics import Metrics
from pipeline.replay.diff import Comparison
from pipeline.replay.join import Why, paired
from pipeline.replay.old_frames import OldFrames
from pipeline.replay.span import Span, first_taken
from pipeline.settings import KafkaSettings, OverloadSettings, Settings
from pipeline.topics import EVENTS, FRAMES, name

CLOCKS = timedelta(seconds=30)  # what the broker's clock and an analyzer's may differ by
EVERY_FACE: dict[str, Any] = {"reread_seconds": 0.0, "readings_per_second": None}
"""Every face is read, so that whichever were read the first time have a reading to be compared with."""

Advance = Callable[[int, str], None]  # records done, and what is the matter


@dataclass(frozen=True, slots=True)
class Chosen:
    """The cameras that are replayed, by name; none: all."""

    cameras: frozenset[str] = frozenset()

    def key(self, key: bytes | None) -> bool:
        """By a record's key, site/camera."""
        return not self.cameras or (key or b"").decode("utf-8", "replace").partition("/")[2] in self.cameras

    def message(self, message: Message) -> bool:
        return not self.cameras or message.camera in self.cameras


def classifier_of(settings: Settings, model: Path | None) -> Classifier:
    """The model of the settings, or the one in the folder `model`, in this process. It answers: that was tried.

    Raises DependencyError.
    """
    classify = settings.classify
    if model is not None:
        classify = classify.model_copy(update={"kind": "in-process", "model": str(model), "url": "", "token": None})
    classifier = make_classifier(classify)
    try:
        golden(classifier)
    except ClassifierUnavailable as error:
        classifier.close()
        hint = "start it, name another with -c, or one's folder with --model"
        raise DependencyError(f"the model does not answer: {error.message}", hint) from None
    return classifier


def replay(
    settings: Settings,
    mine: KafkaSettings,
    span: Span,
    chosen: Chosen,
    classifier: Classifier,
    advance: Advance,
    stop: threading.Event,
) -> None:
    """Returns when all of the span was read and what came of it is written to `mine`. Raises EmostreamError."""
    cv2.setNumThreads(1)
    changes = {
        "analyze": settings.analyze.model_copy(update=EVERY_FACE),
        "delivery": "at_least_once",
        "kafka": mine,
        "overload": OverloadSettings(no_previews_seconds=None, even_readings_seconds=None, fewer_readings_seconds=None),
        "privacy": settings.privacy.model_copy(update={"previews": False}),
    }
    replayed = settings.model_copy(update=changes)
    frames = OldFrames(consumer(settings.kafka), span)
    vision = Vision(replayed, make_detector(settings.detect, settings.model_dir), classifier)
    metrics = Metrics("replay", CollectorRegistry())
    writer = outbox(replayed, "")
    worker = Worker(replayed, frames, writer, vision, classifier, metrics, chosen.key)

    def watch() -> None:
        advance(frames.read, "the model does not answer" if worker.status().waiting_for_model else "")
        if stop.is_set() or frames.finished:
            worker.stop()

    frames.on_poll = watch
    try:
        worker.run()
    finally:
        frames.close(autocommit=False)
        writer.close()
    if not frames.finished:
        raise EmostreamError(f"stopped after {frames.read} of {span.records} records", "its topics stay as they are")


def compare(
    kafka: KafkaSettings,
    mine: KafkaSettings,
    span: Span,
    since: datetime | None,
    chosen: Chosen,
    advance: Advance,
) -> dict[str, Any]:
    """What the replay says otherwise. Raises DependencyError when Kafka does not answer."""
    comparison, expired = Comparison(), 0
    done = 0
    for at in span.filled:
        begin = first_taken(kafka, FRAMES, span, at) - CLOCKS
        events = TopicPartition(name(kafka, EVENTS), at.partition)
        before = 0
        if since is not None and at in span.cut_off:
            expired += _observations(kafka, events, since, begin, chosen)
        with (
            Reader(kafka, [EVENTS], {at.partition}) as first,
            Reader(mine, [EVENTS], {at.partition}) as again,
        ):
            first.from_time(begin)
            again.from_beginning()
            for pair in paired(_messages(first, chosen), _messages(again, chosen)):
                if pair.again is None and pair.why is Why.BEFORE:
                    before += 1
                elif pair.again is not None or pair.why is not Why.AFTER:
                    comparison.add(pair)
        if since is not None and at in span.cut_off:
            expired += before
        done += span.ends[at] - span.starts[at]
        advance(done, "")
    return {"expired_before": expired, **comparison.report()}


def _messages(reader: Reader, chosen: Chosen) -> Iterator[Message]:
    for record in reader.to_end():
        message = parse(record)
        if isinstance(message, Observation | Stub | Ledger | Idle) and chosen.message(message):
            yield message


def _observations(
    kafka: KafkaSettings, events: TopicPartition, since: datetime, until: datetime, chosen: Chosen
) -> int:
    """How many were published in that time."""
    count = 0
    with Reader(kafka, [EVENTS], {events.partition}) as reader:
        reader.from_time(since)
        for record in reader.to_end():
            if record.timestamp >= until.timestamp() * 1000:
                break
            count += chosen.key(record.key) and _is_observation(record)
    return count


def _is_observation(record: Any) -> bool:
    try:
        return record_kind(record.headers) is Kind.OBSERVATION
    except BadRecord:
        return False
