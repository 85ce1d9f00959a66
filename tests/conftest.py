"""What the tests share: the data at hand, and the real parts, started once a test process."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pipeline.kafka.clients import apply_topics
from pipeline.local.stack import LocalStack
from pipeline.settings import KafkaSettings, load
from tests.secured import SecuredKafka

COUNTER = itertools.count()
ROOT = Path(__file__).parents[1]
os.environ.setdefault("EMOSTREAM_POLICY__PURPOSE", "tests of emostream")
os.environ.setdefault("EMOSTREAM_POLICY__SETTING", "demonstration")
settings.register_profile("untimed", deadline=None)  # how long an example takes depends on what else the machine does
settings.load_profile("untimed")
SHARED_DATA = Path(os.environ.get("EMOSTREAM_SHARED_DATA", ROOT.parent / "shared" / "data"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that start the same parts run in the same process, one after the other."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        group = next((group for group in ("stack", "kafka", "secured") if group in names), None)
        if group and not any(mark.name == "xdist_group" for mark in item.iter_markers()):
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of clips, photos and data sets; the test is skipped where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no data at {SHARED_DATA}: name a folder with EMOSTREAM_SHARED_DATA")
    return SHARED_DATA


@pytest.fixture(scope="session", autouse=True)
def detector_files() -> None:
    """YuNet's file comes from the data at hand; without it detection falls back to Haar, without a fetch."""
    if (SHARED_DATA / "models").is_dir():
        os.environ.setdefault("EMOSTREAM_MODEL_DIR", str(SHARED_DATA / "models"))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real broker; its host:port. Tests keep apart by topic prefix."""
    from pipeline.local import jars, java
    from pipeline.local import kafka as broker
    from pipeline.local.folders import new_run

    run = new_run(tmp_path_factory.mktemp("kafka"))
    classpath = jars.fetch(jars.folder(), jars.read_lock())
    started = broker.start(java.find(), classpath, run, threading.Event())
    try:
        yield started.bootstrap
    finally:
        started.stop()
        run.close()


@pytest.fixture
def kafka_settings(kafka: str, request: pytest.FixtureRequest) -> KafkaSettings:
    """Settings of the real broker, with topics and a group of this test's own."""
    prefix = f"t{next(COUNTER)}-{os.getpid()}"
    settings = KafkaSettings(bootstrap=kafka, topic_prefix=prefix, partitions=3, group=prefix, capture_group=prefix)
    apply_topics(settings)
    return settings


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """A real broker with TLS, passwords and ACLs."""
    with SecuredKafka(tmp_path_factory.mktemp("secured")) as broker:
        yield broker


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The whole embedded stack: Kafka, TorchServe with the default model, Ray."""
    with LocalStack(load(), tmp_path_factory.mktemp("runs")) as started:
        yield started
