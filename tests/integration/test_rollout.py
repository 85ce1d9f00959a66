"""A version brought in on a real Kafka and a real TorchServe: as good, failing, reading otherwise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self

import cv2
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from pipeline.analyze.vision import Vision
from pipeline.analyze.worker import Worker
from pipeline.cameras.registry import CameraRegistry
from pipeline.classify.choose import make, make_served
from pipeline.classify.versions import Versions
from pipeline.console import rollout as console
from pipeline.errors import ClassifierUnavailable, UsageError
from pipeline.kafka.audit import written
from pipeline.kafka.clients import apply_topics, consumer, producer
from pipeline.kafka.heartbeat import Heartbeat
from pipeline.kafka.outbox import Outbox
from pipeline.kafka.reader import Reader, parse
from pipeline.local.stack import LocalStack
from pipeline.messages import Bounds, DesiredCamera, Observation, Stage
from pipeline.metrics import Metrics
from pipeline.rollout.controller import RolloutController
from pipeline.rollout.registry import Following, RolloutRegistry
from pipeline.rollout.stages import WrongStage, is_canary, stage_of
from pipeline.settings import KafkaSettings, Settings
from pipeline.topics import EVENTS
from serving.server.management import Management
from serving.server.package import ServerSettings
from tests.conftest import COUNTER
from tests.frames import PATIENCE, Log, OneFace
from tests.other_models import version

pytestmark = pytest.mark.slow

CAMERAS = [f"room-{number}" for number in range(6)]
FACES = Bounds(faces=60)
UNREAD = 60  # frames on their way at once


@pytest.fixture(scope="module")
def server(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Management:
    """With versions 3, as the live one but for its name, and 4, which reads otherwise."""
    found, folder = Management(stack.run.torchserve), tmp_path_factory.mktemp("models")
    for name, permuted in (("3", False), ("4", True)):
        assert found.register(version(folder, name, permuted), "emonext", ServerSettings()) == name
    return found


class Site:
    """An analyzer and a controller, each on threads of this process, and frames for as long as somebody waits."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics("test", CollectorRegistry())
        self.log = Log(settings.kafka)
        self.seq = 0
        self.seen: list[Observation] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        kafka, enter = self.settings.kafka, self._open.enter_context
        live = make(self.settings.classify)
        self.versions = Versions(live, self.metrics, partial(make_served, self.settings.classify))
        self._open.callback(self.versions.close)
        reader, writer = consumer(kafka, kafka.group, group_instance_id="0"), producer(kafka)
        self._open.callback(partial(reader.close, autocommit=False))
        self._open.callback(writer.close)
        vision = Vision(self.settings, OneFace(), live)
        worker = Worker(
            self.settings, reader, Outbox(writer, kafka), vision, live, self.metrics, versions=self.versions
        )
        enter(Following(kafka, self.settings.site, lambda known: self.versions.follow(*known)))
        thread = threading.Thread(target=worker.run)
        thread.start()
        self._open.callback(thread.join)
        self._open.callback(worker.stop)
        enter(Heartbeat(self.settings, "analyze", 0, "0", figures=self.versions.figures))
        enter(RolloutController(self.settings, lambda: True, self.metrics))
        self._events = enter(Reader(kafka, [EVENTS]))
        self._events.from_beginning()
        self._registry = enter(RolloutRegistry(kafka, self.settings.site))
        return self

    def __exit__(self, *error: object) -> None:
        self.log.producer.close()
        self._open.close()

    @property
    def stage(self) -> Stage | None:
        rollout, verdict = self._registry.known()
        return None if rollout is None else stage_of(rollout, verdict)

    def until(self, condition: Callable[[], Any]) -> None:
        """Frames go in and are observed meanwhile."""
        give_up = time.monotonic() + 2 * PATIENCE
        while not condition():
            assert time.monotonic() < give_up, (self.stage, self.versions.figures())
            if self.seq * len(CAMERAS) - len(self.seen) < UNREAD:
                self.frames()
            self.read(0.1)

    def drain(self) -> None:
        """Until all that went in is observed."""
        give_up = time.monotonic() + PATIENCE
        while len(self.seen) < self.seq * len(CAMERAS):
            assert time.monotonic() < give_up, f"{len(self.seen)} of {self.seq * len(CAMERAS)} frames"
            self.read(0.1)

    def frames(self) -> None:
        for camera in CAMERAS:
            self.log.frame(self.seq, camera, FACE[self.seq % len(FACE)])
        self.seq += 1
        self.log.producer.flush()

    def read(self, seconds: float) -> None:
        self.seen += [each for each in map(parse, self._events.poll(seconds)) if isinstance(each, Observation)]

    def of(self, camera: str) -> list[Observation]:
        return [each for each in self.seen if each.camera == camera]

    def start(self, version: str, shadow_for: str = "0s", share: str = "50%") -> None:
        console.start(self.settings, version, shadow_for, share, FACES, "ada", "it is newer")


def pictures() -> list[bytes]:
    """Of one blurred patch after another, the more alike the nearer: what is read of them differs."""
    chance = np.random.default_rng(0)
    found = []
    for _ in range(20):
        picture = cv2.resize(chance.integers(40, 220, (9, 12, 3), np.uint8), (160, 120), interpolation=cv2.INTER_CUBIC)
        found.append(cv2.imencode(".jpg", picture)[1].tobytes())
    return found


FACE = pictures()


@pytest.fixture
def site(stack: LocalStack, server: Management) -> Iterator[Site]:
    prefix = f"rollout{next(COUNTER)}"
    kafka = KafkaSettings(bootstrap=stack.settings.kafka.bootstrap, topic_prefix=prefix, partitions=2, group=prefix)
    apply_topics(kafka)
    analyze = stack.settings.analyze.model_copy(update={"reread_seconds": 0.0, "commit_seconds": 0.2})
    quality = stack.settings.quality.model_copy(update={"min_sharpness": 0.0})
    changes = {"kafka": kafka, "site": "site", "analyze": analyze, "quality": quality}
    with CameraRegistry(kafka, "site") as cameras:
        for camera in CAMERAS:
            cameras.put(DesiredCamera(site="site", id=camera, uri="synthetic:", changed_at=datetime.now(UTC)))
    with Site(stack.settings.model_copy(update=changes)) as running:
        running.until(lambda: len(running.seen) > len(CAMERAS))
        yield running


def test_people_widen_it_finish_it_and_take_it_back_after_all(site: Site) -> None:
    site.start("3")
    with pytest.raises(WrongStage, match="no camera's faces yet"):
        console.end(site.settings, Stage.FINISHED, "ada", "")
    site.until(lambda: site.stage is Stage.CANARY)
    with pytest.raises(WrongStage, match="under way"):
        site.start("4")
    console.widen(site.settings, "100%", "ada", "")
    site.until(lambda: all(site.of(camera)[-1].model.version == "3" for camera in CAMERAS))
    console.end(site.settings, Stage.FINISHED, "ada", "it does well")
    with pytest.raises(WrongStage, match="the settings still name emonext-atto-48 2"):
        site.start("4")
    console.end(site.settings, Stage.BACKED_OUT, "bo", "not so well")
    site.until(lambda: all(site.of(camera)[-1].model.version == "2" for camera in CAMERAS))
    assert site.stage is Stage.BACKED_OUT


def test_one_that_is_as_good_goes_on_and_is_taken_back_when_it_fails(site: Site, server: Management) -> None:
    site.start("3")
    site.until(lambda: site.stage is Stage.CANARY)
    rollout = site._registry.known()[0]
    assert rollout is not None
    chosen = {camera for camera in CAMERAS if is_canary(rollout, f"site/{camera}")}
    assert len(chosen) == len(CAMERAS) // 2
    site.until(lambda: all(site.of(camera)[-1].model.version == "3" for camera in chosen))
    assert {each.model.version for camera in set(CAMERAS) - chosen for each in site.of(camera)} == {"2"}

    server.unregister("emonext", "3")
    site.until(lambda: site.stage is Stage.BACKED_OUT)
    site.until(lambda: all(site.of(camera)[-1].model.version == "2" for camera in CAMERAS))
    told = [face for each in site.seen for face in each.faces if each.model.version == "3" and face.model is not None]
    assert {face.model.version for face in told if face.model} == {"2"}  # the live one answered in its place

    site.drain()
    for camera in CAMERAS:
        assert [each.seq for each in site.of(camera)] == list(range(site.seq))  # each once, in order
    assert not [face for each in site.seen for face in each.faces if face.reason == "model_error"]

    done = {record.action: record for record in written(site.settings.kafka)}
    assert list(done) == ["rollout.start", "rollout.canary", "rollout.back"]
    assert (done["rollout.back"].who, done["rollout.start"].who) == ("emostream", "ada")
    assert "failed requests" in done["rollout.back"].reason
    taken = {"reason": "failures"}
    assert site.metrics.registry.get_sample_value("emostream_rollouts_backed_out_total", taken) == 1


def test_one_that_reads_otherwise_is_never_told(site: Site) -> None:
    site.start("4", shadow_for="1h")
    site.until(lambda: site.stage is Stage.BACKED_OUT)
    verdict = site._registry.known()[1]
    assert verdict is not None
    assert verdict.metric in ("label_changes", "distance")
    assert {each.model.version for each in site.seen} == {"2"}
    assert not [face for each in site.seen for face in each.faces if face.model is not None]


def test_a_version_that_no_server_has_is_refused(site: Site) -> None:
    with pytest.raises(ClassifierUnavailable, match="version 99 at"):
        site.start("99")
    with pytest.raises(UsageError, match="is the model of the settings already"):
        site.start("2")
    assert site.stage is None
