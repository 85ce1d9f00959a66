"""What `/readyz` looks at: Kafka and its topics, the model, and how far the analyzers are behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from pipeline.api.readiness import Check, NotReady
from pipeline.classify.choose import make
from pipeline.classify.classifier import Classifier, golden
from pipeline.errors import ClassifierUnavailable, DependencyError
from pipeline.kafka.clients import check_topics, reachable
from pipeline.kafka.lag import Lag
from pipeline.settings import KafkaSettings, Settings
from pipeline.watch.follow import Feed

AWAY = "Kafka does not answer"


def checks(settings: Settings, feed: Callable[[], Feed]) -> list[Check]:
    """`feed`: how well the API follows the topics."""
    return [
        Check("kafka", lambda: _kafka(settings.kafka, feed())),
        Check("model", _Model(settings).find),
        Check("lag", _Behind(settings).find),
    ]


def _kafka(kafka: KafkaSettings, feed: Feed) -> str:
    if not reachable(kafka):
        raise NotReady(AWAY)
    try:
        wrong = check_topics(kafka)
    except DependencyError:
        raise NotReady(AWAY) from None
    if wrong:
        raise NotReady(wrong[0])
    if feed.known_at is None or feed.away_since is not None:
        raise NotReady("answers, but the topics are still being read")
    return "answers, and every topic is as planned"


class _Model:
    """One prediction through the same way that analyzers take."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.classify
        self._classifier: Classifier | None = None

    def find(self) -> str:
        began = time.monotonic()
        try:
            if self._classifier is None:
                self._classifier = make(self._settings)
            golden(self._classifier)
        except (DependencyError, ClassifierUnavailable) as error:
            raise NotReady(error.message) from None
        model = self._classifier.model
        return f"{model.name} {model.version} read a made-up face in {time.monotonic() - began:.3f} s"


class _Behind:
    """Keeps its connections while they are good."""

    def __init__(self, settings: Settings) -> None:
        self._kafka = settings.kafka
        self._most = settings.api.ready_lag_frames
        self._lag: Lag | None = None

    def find(self) -> str:
        if not reachable(self._kafka):
            raise NotReady(AWAY)
        try:
            self._lag = self._lag or Lag(self._kafka)
            behind = self._lag.records()
        except DependencyError:
            self._drop()
            raise NotReady(AWAY) from None
        found = f"{behind} of at most {self._most} records wait to be analyzed"
        if behind > self._most:
            raise NotReady(found)
        return found

    def _drop(self) -> None:
        if self._lag is not None:
            with suppress(Exception):
                self._lag.__exit__()
        self._lag = None
