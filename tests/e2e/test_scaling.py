"""Analyzers on real Ray and Kafka: one more joins while frames wait, and leaves when there is little to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.aggregate.account import Account
from pipeline.kafka.clients import apply_topics
from pipeline.kafka.lag import Lag
from pipeline.kafka.reader import Reader, parse
from pipeline.local.roles import role, write_settings
from pipeline.local.stack import LocalStack
from pipeline.settings import ResolvedSettings, Settings
from pipeline.topics import EVENTS
from tests.frames import Log, wait_until

CAMERAS, FRAMES = 8, 1500

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def settings(stack: LocalStack, folder: Path) -> Settings:
    given = stack.settings
    kafka = given.kafka.model_copy(update={"topic_prefix": "scaling", "group": "scaling", "partitions": 6})
    analyze = given.analyze.model_copy(
        update={"actors": 1, "max_actors": 2, "threads": 1, "scale_up_seconds": 0.5, "scale_down_seconds": 5}
    )
    metrics = given.metrics.model_copy(update={"targets_dir": folder})
    return given.model_copy(update={"kafka": kafka, "analyze": analyze, "metrics": metrics, "log_dir": folder})


def analyzers(folder: Path) -> int:
    """Those that work, as they are listed for Prometheus."""
    file = folder / "analyze.json"
    return sum(len(group["targets"]) for group in json.loads(file.read_text())) if file.exists() else 0


def test_there_are_more_while_frames_wait_and_nothing_is_lost(stack: LocalStack, tmp_path: Path) -> None:
    chosen = settings(stack, tmp_path)
    ResolvedSettings.model_validate(chosen.model_dump())
    apply_topics(chosen.kafka)
    log = Log(chosen.kafka)
    for camera in range(CAMERAS):
        for seq in range(FRAMES):
            log.frame(seq, f"cam-{camera}")
        log.ledger(0, FRAMES, f"cam-{camera}", final=True)
    log.producer.flush()
    with role("analyze", write_settings(chosen, tmp_path), tmp_path):
        wait_until(lambda: analyzers(tmp_path) == 2)
        with Lag(chosen.kafka) as lag:
            wait_until(lambda: lag.records() == 0)
        wait_until(lambda: analyzers(tmp_path) == 1)
    log.producer.close()
    account = Account()
    with Reader(chosen.kafka, [EVENTS]) as reader:
        reader.from_beginning()
        for record in reader.to_end():
            if message := parse(record):
                account.add(message)  # type: ignore[arg-type]
    total = account.total()
    assert (total.captured, total.observed, total.missing) == (CAMERAS * FRAMES, CAMERAS * FRAMES, 0)
