"""The topic `rollouts` keeps the last record of each key: what a late one stands in front of is written again."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry

from pipeline.kafka.reader import Reader, parse
from pipeline.messages import RolloutVerdict, Stage
from pipeline.metrics import Metrics
from pipeline.rollout.controller import RolloutController
from pipeline.rollout.registry import RolloutRegistry
from pipeline.settings import KafkaSettings, Settings
from pipeline.topics import ROLLOUTS
from tests.frames import PATIENCE
from tests.unit.rollout.rollouts import AT, rollout


def verdict(stage: Stage) -> RolloutVerdict:
    told = {"site": "site", "rollout_id": rollout().rollout_id, "stage": stage, "at": AT}
    return RolloutVerdict.model_validate(told)


def test_a_verdict_that_comes_late_is_not_the_last(kafka_settings: KafkaSettings) -> None:
    settings = Settings(kafka=kafka_settings, site="site")
    back = verdict(Stage.BACKED_OUT)
    with RolloutRegistry(kafka_settings, "site") as registry:
        for record in (rollout(), back, verdict(Stage.CANARY)):
            registry.put(record)
    with Reader(kafka_settings, [ROLLOUTS]) as reader:
        reader.from_end()
        with RolloutController(settings, lambda: True, Metrics("aggregate", CollectorRegistry())):
            give_up, last = time.monotonic() + PATIENCE, None
            while last is None:
                assert time.monotonic() < give_up
                last = next((parse(record) for record in reader.poll(0.2)), None)
    assert last == back
