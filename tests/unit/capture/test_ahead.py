"""The watch over the analyzers' lag, without a Kafka."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

import pytest

from pipeline.capture import ahead
from pipeline.settings import KafkaSettings


def watch(monkeypatch: pytest.MonkeyPatch, records: Callable[[], int]) -> tuple[ahead.Ahead, threading.Event]:
    class Lag:
        def __init__(self, kafka: KafkaSettings) -> None:
            self.records = records

        def __enter__(self) -> Lag:
            return self

        def __exit__(self, *error: object) -> None:
            """Nothing is open."""

    monkeypatch.setattr(ahead, "Lag", Lag)
    monkeypatch.setattr(ahead, "ASK_SECONDS", 0.01)
    go = threading.Event()
    return ahead.Ahead(KafkaSettings(), 10, go, lambda: True), go


def test_an_error_nobody_foresaw_does_not_hold_files_back_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = itertools.count()

    def records() -> int:
        number = next(asked)
        if number == 1:
            raise RuntimeError("boom")
        return 99 if number == 0 else 0

    watched, go = watch(monkeypatch, records)
    watched.start()
    assert go.wait(10)
    watched.stop()
    watched.join(5)


def test_a_kafka_that_hangs_does_not_hold_up_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered = threading.Event(), threading.Event()

    def records() -> int:
        asked.set()
        answered.wait(30)
        return 99

    watched, go = watch(monkeypatch, records)
    watched.start()
    assert asked.wait(5)
    before = time.monotonic()
    watched.stop()
    assert go.is_set()
    watched.join(0.1)
    assert time.monotonic() - before < 2
    answered.set()
    watched.join(5)
    assert go.is_set()
