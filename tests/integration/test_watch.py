"""What is known of a site, read from a real Kafka that goes away and comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from pipeline.cameras.registry import CameraRegistry
from pipeline.kafka.clients import apply_topics
from pipeline.local.kafka import Kafka
from pipeline.messages import Scope, SeqRange
from pipeline.settings import KafkaSettings, load
from pipeline.topics import EVENTS, name
from pipeline.watch.condition import Condition, Kind
from pipeline.watch.follow import Follower
from tests.page.running import own_broker
from tests.page.site import Camera, Site

PATIENCE = 60.0
ROOMS = [Camera("room-1"), Camera("room-2", people=2, seed=1)]


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Kafka]:
    with own_broker(tmp_path) as started:
        yield started


def follower(kafka: KafkaSettings) -> Follower:
    return Follower.of(load(kafka=kafka.model_dump(), site="site"))


def until(condition: Callable[[], object], what: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, what
        time.sleep(0.05)


def conditions(follower: Follower) -> dict[str, Condition]:
    with follower.reading() as view:
        return {camera.id: told for camera, told in view.now(datetime.now(UTC)).cameras}


def kinds(follower: Follower) -> dict[str, Kind]:
    return {camera: told.kind for camera, told in conditions(follower).items()}


def test_what_was_and_what_comes(kafka_settings: KafkaSettings) -> None:
    with Site(kafka_settings, "site", ROOMS) as site, Site(kafka_settings, "elsewhere", [Camera("room-9")]) as other:
        other.begin()
        site.begin(hours=1)
        with follower(kafka_settings) as following:
            until(lambda: following.feed.past_known, "the past is not known")
            with following.reading() as view:
                assert len(view.windows.of(Scope.CAMERA, "room-1", "60s")) >= 59
                assert [alert.rule for alert in view.alerts.standing()] == ["distress"]
            site.play()
            until(lambda: kinds(following) == {"room-1": Kind.SEES, "room-2": Kind.SEES}, "the cameras are not seen")
            with following.reading() as view:
                until(lambda: view.shown_preview("room-2"), "no preview")
                assert [role.status.role for role in view.now(datetime.now(UTC)).roles].count("analyze") == 2
            with CameraRegistry(kafka_settings, "site") as registry:
                registry.remove("room-2")
            until(lambda: kinds(following).keys() == {"room-1"}, "it is not removed")


def test_records_that_nobody_can_use_are_passed_over(kafka_settings: KafkaSettings) -> None:
    with Site(kafka_settings, "site", ROOMS[:1]) as site:
        site.begin()
        for topic in (EVENTS, "previews", "cameras", "roles", "emotion-windows"):
            for value, headers in ((b"garbage", []), (b"{}", [("ce_type", b"emostream.window.v1")]), (None, [])):
                site.producer.send(name(kafka_settings, topic), value=value, key=b"site/x", headers=headers)
        backwards = site.ledger(ROOMS[0], datetime.now(UTC)).model_copy(
            update={"dropped": {"full": [SeqRange(first=9, last=1)]}}
        )
        site.send(EVENTS, backwards)
        site.play()
        with follower(kafka_settings) as following:
            until(lambda: kinds(following).get("room-1") is Kind.SEES, "the camera is not seen")


@contextmanager
def standing_still(started: Kafka) -> Iterator[None]:
    machine = next(each for each in psutil.Process(started.process.pid).children() if "java" in each.name())
    machine.suspend()
    try:
        yield
    finally:
        machine.resume()


def test_a_kafka_that_is_away_is_told_since_when_and_followed_again(own_kafka: Kafka) -> None:
    settings = KafkaSettings(bootstrap=own_kafka.bootstrap, partitions=2)
    with follower(settings) as following:
        assert following.feed.known_at is None
        assert following.feed.away_since is not None
        until(lambda: "does not exist" in following.feed.reason, "missing topics are not told")
        apply_topics(settings)
        with Site(settings, "site", ROOMS) as site:
            site.begin()
            site.play()
            until(lambda: kinds(following).get("room-2") is Kind.SEES, "the cameras are not seen")
            assert following.feed.away_since is None
            with standing_still(own_kafka):
                until(lambda: following.feed.away_since, "it is not noticed that Kafka stands still")
                since = following.feed.away_since
                assert since is not None
                assert timedelta(0) <= datetime.now(UTC) - since < timedelta(seconds=PATIENCE)
            until(lambda: following.feed.away_since is None, "Kafka is not followed again")
            own_kafka.process.stop()
            until(lambda: following.feed.away_since, "it is not noticed that Kafka is gone")
            own_kafka.start()
            until(lambda: following.feed.away_since is None, "Kafka is not followed again")
            began = datetime.now(UTC)

            def seen_since() -> bool:
                with following.reading() as view:
                    camera = view.camera("room-2", datetime.now(UTC))
                    return camera is not None and camera.seen_at is not None and camera.seen_at > began

            until(seen_since, "no frame is seen after Kafka came back")
