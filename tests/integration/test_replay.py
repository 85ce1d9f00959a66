"""Replays on a real Kafka, with the real detector and model: what was published stays, and what is told of it holds."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kafka import TopicPartition
from prometheus_client import CollectorRegistry
from rich.console import Console
from safetensors.numpy import load_file, save_file

from pipeline.analyze.detect import make as make_detector
from pipeline.analyze.vision import Vision
from pipeline.analyze.worker import Worker
from pipeline.bench.frames import Frames, record
from pipeline.capture.spec import CameraKind, CameraSpec, ReadOptions
from pipeline.classify.choose import make as make_classifier
from pipeline.classify.model_folder import ModelFolder
from pipeline.errors import DependencyError, EmostreamError, UsageError
from pipeline.kafka.audit import written
from pipeline.kafka.clients import admin, apply_topics, consumer, producer
from pipeline.kafka.lag import Lag
from pipeline.kafka.outbox import outbox
from pipeline.kafka.reader import Reader, parse
from pipeline.local.roles import role, write_settings
from pipeline.messages import LABELS, Alert, CameraState, CameraStatus, Ledger, Message, Observation, Window, headers_of
from pipeline.metrics import Metrics
from pipeline.replay.command import Options, delete, run
from pipeline.replay.frames import Chosen, classifier_of, compare, replay
from pipeline.replay.span import span
from pipeline.replay.topics import create, own
from pipeline.settings import KafkaSettings, Settings, load
from pipeline.topics import ALERTS, AUDIT, CAMERA_STATUS, DEAD_LETTERS, EVENTS, FRAMES, WINDOWS, name, plan
from tests.frames import PATIENCE, wait_until
from tests.records import START, camera_log, face, ledger, observed

CAMERAS = {"hall": 2, "room": 1}  # and how many people are there
FRAMES_EACH, FEW = 24, 8
NO_CHANGES = {"changed": 0, "share": 0.0}
CAPTURED: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 200}


@pytest.fixture(scope="module")
def recorded() -> Frames:
    cameras = [
        CameraSpec(camera, CameraKind.SYNTHETIC, "", "synthetic:", 10, options={"people": str(people), "seed": "3"})
        for camera, people in CAMERAS.items()
    ]
    return record(cameras, FRAMES_EACH * len(cameras), ReadOptions())


NEXT = dict(zip(LABELS, [*LABELS[1:], LABELS[0]], strict=True))


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model, but that it says of every face the expression that comes next in the list."""
    folder = Path(shutil.copytree(ModelFolder.of(None).path, tmp_path_factory.mktemp("models") / "rotated"))
    weights = load_file(folder / "model.safetensors")
    for part in ("head.weight", "head.bias", "ferplus_head.weight", "ferplus_head.bias"):
        weights[part] = np.roll(weights[part], 1, axis=0)
    save_file(weights, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "name": "rotated"}))
    return folder


def settings_of(kafka: KafkaSettings) -> Settings:
    """One crop a request: what a crop is batched with changes the last digits of its scores."""
    return load(
        kafka=kafka.model_dump(),
        analyze={"commit_seconds": 0.1, "batch_faces": 1, "reread_seconds": 0.3},
        classify={"kind": "in-process"},
    )


class Site:
    """Frames on a real Kafka, and an analyzer that has read them."""

    def __init__(self, kafka: KafkaSettings, frames: Frames) -> None:
        self.settings = settings_of(kafka)
        self.kafka = kafka
        self.frames = frames
        self._producer = producer(kafka)

    def publish(self, frames: Frames) -> None:
        for header, jpeg in frames:
            self.send(header.frame_id.key.encode(), jpeg, header.encode())
        self._producer.flush()

    def send(self, key: bytes | None, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        self._producer.send(name(self.kafka, FRAMES), value, key, headers)

    def analyze(self) -> None:
        """Until everything on `frames` is read."""
        reader = consumer(self.kafka, self.kafka.group)
        writer = outbox(self.settings, "analyzer")
        classifier = make_classifier(self.settings.classify)
        vision = Vision(self.settings, make_detector(self.settings.detect, self.settings.model_dir), classifier)
        metrics = Metrics("analyze", CollectorRegistry())
        worker = Worker(self.settings, reader, writer, vision, classifier, metrics)
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            with Lag(self.kafka) as lag:
                wait_until(lambda: lag.records() == 0)
        finally:
            worker.stop()
            thread.join(PATIENCE)
            reader.close(autocommit=False)
            writer.close()
        assert not thread.is_alive()

    def replay(self, stop: threading.Event | None = None, **options: Any) -> dict[str, Any]:
        chosen = Options(**{"name": "again", **options})
        return run(self.settings, chosen, Console(file=io.StringIO()), stop or threading.Event())

    def state(self) -> object:
        """Where the live topics end, and how far the live group has come. Who removed a replay is written beside."""
        with Lag(self.kafka) as lag:
            committed = lag.committed()
        reader = consumer(self.kafka)
        topics = [topic for short, topic in plan(self.kafka).items() if short != AUDIT]
        ends = reader.end_offsets([TopicPartition(topic.name, n) for topic in topics for n in range(topic.partitions)])
        reader.close(autocommit=False)
        client = admin(self.kafka)
        groups = sorted(group["group_id"] for group in client.list_groups())
        client.close()
        return ends, committed, groups

    def observations(self, kafka: KafkaSettings) -> dict[str, Observation]:
        return {m.event_id: m for m in messages(kafka, EVENTS) if isinstance(m, Observation)}

    def close(self) -> None:
        self._producer.close()


def messages(kafka: KafkaSettings, topic: str) -> list[Any]:
    with Reader(kafka, [topic]) as reader:
        reader.from_beginning()
        return [parse(record) for record in reader.to_end()]


@contextmanager
def analyzed(kafka: KafkaSettings, frames: Frames) -> Iterator[Site]:
    made = Site(kafka, frames)
    made.publish(frames)
    made.analyze()
    yield made
    made.close()


@pytest.fixture(scope="module")
def site(kafka: str, recorded: Frames) -> Iterator[Site]:
    """Everything was read once. Tests change nothing of it, and their replays have names of their own."""
    settings = KafkaSettings(bootstrap=kafka, topic_prefix=f"site-{os.getpid()}", partitions=3, group="site")
    apply_topics(settings)
    with analyzed(settings, recorded) as made:
        yield made


@pytest.fixture
def changing(kafka_settings: KafkaSettings, recorded: Frames) -> Iterator[Site]:
    """A site of which only the first frames were read, for a test to go on with."""
    with analyzed(kafka_settings, [frame for frame in recorded if frame[0].frame_id.seq < FEW]) as made:
        yield made


def test_the_same_model_on_the_same_frames_changes_nothing(site: Site) -> None:
    before = site.state()
    first = site.observations(site.kafka)
    report = site.replay()
    assert site.state() == before
    again = site.observations(own(site.kafka, "again"))
    assert again.keys() == first.keys()
    assert len(first) == len(site.frames)
    assert all(again[event].captured_at == seen.captured_at for event, seen in first.items())
    assert report["records"] == len(first)
    faces = [face for seen in first.values() for face in seen.faces]
    inferred = sum(face.scores is not None for face in faces)
    assert 0 < inferred < len(faces)  # some are carried: they are not compared
    assert report["frames"]["both"] == len(first)
    assert report["frames"]["only_first"] == report["frames"]["only_replay"] == {}
    assert report["faces"] == {
        "first": len(faces), "replay": len(faces), "matched": len(faces), "missing": 0, "new": 0, "compared": inferred,
        "carried": len(faces) - inferred - report["faces"]["unread"], "unread": report["faces"]["unread"],
    }  # fmt: skip
    assert {key: report["labels"][key] for key in NO_CHANGES} == NO_CHANGES
    assert set(report["scores"].values()) == {0.0}
    assert report["verdicts"] == {}
    assert report["first"] == report["replay"]
    assert report["cameras"].keys() == {"bench/hall", "bench/room"}


def test_another_model_is_told_by_its_differences(site: Site, rotated: Path) -> None:
    first = site.observations(site.kafka)
    report = site.replay(name="rotated", model=rotated)
    read = [face.scores for seen in first.values() for face in seen.faces if face.scores is not None]
    labels = Counter(max(LABELS, key=lambda label: scores[label]) for scores in read)
    assert report["labels"]["matrix"] == {label: {NEXT[label]: count} for label, count in labels.items()}
    assert (report["labels"]["changed"], report["labels"]["share"]) == (len(read), 1.0)
    distances = [sum(abs(scores[NEXT[label]] - scores[label]) for label in LABELS) / 2 for scores in read]
    assert report["scores"]["mean_total_variation"] == pytest.approx(sum(distances) / len(distances), abs=1e-4)
    assert report["scores"]["max_total_variation"] == pytest.approx(max(distances), abs=2e-4)
    assert [ref["name"] for ref in report["replay"]["models"]] == ["rotated"]
    live = {seen.model.name for seen in site.observations(site.kafka).values()}
    assert live == {ref["name"] for ref in report["first"]["models"]} != {"rotated"}


def test_what_cannot_be_used_is_a_dead_letter_again(changing: Site) -> None:
    header, jpeg = changing.frames[-1]
    changed = [(key, b"00000000" if key == "crc" else value) for key, value in header.encode()]
    changing.send(header.frame_id.key.encode(), jpeg, [(k, b"77" if k == "seq" else v) for k, v in changed])
    changing.send(b"bench/hall", b"garbage", [])
    changing.publish([])
    changing.analyze()
    report = changing.replay()
    assert report["records"] == len(changing.frames) + 2
    assert report["frames"]["dead_both"] == 1
    letters = messages(own(changing.kafka, "again"), DEAD_LETTERS)
    assert sorted((letter.reason, letter.foreign) for letter in letters) == [("checksum", False), ("type", True)]
    live = messages(changing.kafka, DEAD_LETTERS)
    assert {(letter.topic, letter.offset) for letter in letters} == {(letter.topic, letter.offset) for letter in live}


def test_of_one_camera_alone(site: Site) -> None:
    report = site.replay(name="room", cameras=("room", "attic"))
    assert report["not_seen"] == ["attic"]
    assert report["cameras"].keys() == {"bench/room"}
    assert report["frames"]["both"] == FRAMES_EACH
    assert report["frames"]["only_first"] == {}
    told = messages(own(site.kafka, "room"), EVENTS)
    assert {message.camera for message in told} == {"room"}
    assert not any(isinstance(message, Ledger) for message in told)  # nothing is said to have expired


def test_frames_that_kafka_no_longer_keeps_are_told(changing: Site) -> None:
    """The first three offsets of each partition are gone."""
    reader = consumer(changing.kafka)
    topic = name(changing.kafka, FRAMES)
    ends = reader.end_offsets([TopicPartition(topic, n) for n in range(changing.kafka.partitions)])
    reader.close(autocommit=False)
    gone = {partition: 3 for partition, end in ends.items() if end}
    client = admin(changing.kafka)
    client.delete_records(gone)
    client.close()
    report = changing.replay(since="1h")
    assert report["cut_off"]
    assert report["records"] == len(changing.frames) - 3 * len(gone)
    assert report["frames"]["both"] == report["records"]
    assert report["expired_before"] == 3 * len(gone)
    assert report["frames"]["only_first"] == {}
    assert report["labels"]["changed"] == 0


def test_frames_that_expire_before_the_replay_comes_to_them(changing: Site) -> None:
    """Retention goes on while it reads."""
    settings, kafka = changing.settings, changing.kafka
    found = span(kafka, FRAMES, None, None)
    client = admin(kafka)
    client.delete_records(dict.fromkeys(found.filled, 3))
    client.close()
    mine = create(kafka, "slow", found.partitions)
    with closing(classifier_of(settings, None)) as classifier:
        replay(settings, mine, found, Chosen(), classifier, lambda done, note: None, threading.Event())
    report = compare(kafka, mine, found, None, Chosen(), lambda done, note: None)
    gone = 3 * len(found.filled)
    assert report["frames"]["both"] == len(CAMERAS) * FEW - gone
    assert report["frames"]["only_first"] == {"expired": gone}
    gaps = [message for message in messages(mine, EVENTS) if isinstance(message, Ledger)]
    assert sum(len(seqs) for gap in gaps for seqs in gap.dropped["expired"]) == gone


def test_a_stretch_of_time(changing: Site) -> None:
    """What came before it and what comes after it has no part in it."""
    later = Site(changing.kafka, [])
    now = datetime.now(UTC)
    wait_until(lambda: datetime.now(UTC) > now + timedelta(milliseconds=5))
    shifted = [(header, jpeg) for header, jpeg in changing.frames if header.frame_id.seq < 3]
    middle = [(_in_session(header, 2), jpeg) for header, jpeg in shifted]
    later.publish(middle)
    wait_until(lambda: datetime.now(UTC) > now + timedelta(seconds=1))
    until = datetime.now(UTC)
    wait_until(lambda: datetime.now(UTC) > until + timedelta(milliseconds=5))
    later.publish([(_in_session(header, 3), jpeg) for header, jpeg in shifted])
    changing.analyze()
    report = changing.replay(since=now.isoformat(), until=until.isoformat())
    later.close()
    assert report["records"] == report["frames"]["both"] == len(middle)
    assert report["frames"]["only_first"] == report["frames"]["only_replay"] == {}
    assert report["expired_before"] == 0
    assert {seen.session for seen in changing.observations(own(changing.kafka, "again")).values()} == {2}


def _in_session(header: Any, session: int) -> Any:
    return replace(header, frame_id=replace(header.frame_id, session=session))


def test_frames_that_are_not_analyzed_yet_are_only_in_the_replay(changing: Site) -> None:
    changing.publish([(_in_session(header, 2), jpeg) for header, jpeg in changing.frames[:4]])
    report = changing.replay()
    assert report["frames"]["both"] == len(changing.frames)
    assert report["frames"]["only_replay"] == {"after": 4}


def test_a_replay_that_is_stopped_says_so(site: Site) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(EmostreamError, match="stopped after"):
        site.replay(name="stopped", stop=stop)


def test_what_is_wrong_is_said_and_what_to_do(site: Site) -> None:
    for options, error, said in (
        ({"topic": "moods"}, UsageError, "one of frames, emotion-events"),
        ({"topic": "camera-status"}, UsageError, "cannot be replayed"),
        ({"since": "soon"}, UsageError, "--since: 'soon'"),
        ({"until": "soon"}, UsageError, "--until: 'soon'"),
        ({"since": "1m", "until": "2m"}, UsageError, "--until: it is not after"),
        ({"name": "a/b"}, UsageError, "no name of a replay"),
        ({"topic": "emotion-events", "model": Path("x")}, UsageError, "--model"),
        ({"since": "2000-01-01", "until": "2001-01-01"}, DependencyError, "nothing is kept there since 2000-01-01"),
        ({"model": Path("/nowhere")}, DependencyError, "/nowhere"),
        ({"cameras": ("attic",), "name": "nobody"}, DependencyError, "no records of attic"),
    ):
        with pytest.raises(error, match=said):
            site.replay(**{"name": "wrong", **options})
    client = admin(site.kafka)
    assert not [topic for topic in client.list_topics() if topic.startswith(own(site.kafka, "wrong").topic_prefix)]
    client.close()


def test_a_replays_topics_are_its_own_until_they_are_removed(site: Site) -> None:
    only: dict[str, Any] = {"name": "mine", "cameras": ("room",)}
    site.replay(**only)
    with pytest.raises(UsageError, match=r"there already; .*--delete --name mine"):
        site.replay(**only)
    live = site.state()
    delete(site.settings, "mine", Console(file=io.StringIO()))
    assert site.state() == live
    with pytest.raises(UsageError, match="there is no replay 'mine'"):
        delete(site.settings, "mine", Console(file=io.StringIO()))
    said = [(each.action, each.target, each.outcome) for each in written(site.kafka) if each.target == "replay/mine"]
    assert said == [("replay.delete", "replay/mine", outcome) for outcome in ("done", "refused")]
    assert site.replay(**only)["frames"]["both"] == FRAMES_EACH


def test_from_the_command_line(site: Site, tmp_path: Path) -> None:
    settings, report = write_settings(site.settings, tmp_path), tmp_path / "report.json"
    command = [sys.executable, "-m", "pipeline.cli", "replay", "-c", str(settings), "--name", "cli"]
    ran = subprocess.run([*command, "--camera", "room", "--report", str(report)], check=False, **CAPTURED)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "other label" in ran.stdout
    assert json.loads(report.read_text())["frames"]["both"] == FRAMES_EACH
    ran = subprocess.run([*command, "--delete"], check=False, **CAPTURED)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "removed" in ran.stdout


# of observations

SAD = {"id": "sad", "window": "20s", "expressions": ["sad"], "above": 0.9, "min_told": 5}


@contextmanager
def aggregated(settings: Settings, folder: Path, logs: Sequence[Message], whole: Callable[[], bool]) -> Iterator[None]:
    """The live aggregator has told of these."""
    writer = producer(settings.kafka)
    for camera in sorted({message.camera for message in logs}):
        status = CameraStatus(site="site", camera=camera, session=1, at=START, state=CameraState.UP)
        writer.send(name(settings.kafka, CAMERA_STATUS), status.encode(), status.key.encode(), headers_of(status))
    for message in logs:
        key = f"{message.site}/{message.camera}".encode()
        writer.send(name(settings.kafka, EVENTS), message.encode(), key, headers_of(message))
    writer.flush()
    writer.close()
    with role("aggregate", write_settings(settings, folder), folder):
        wait_until(whole)
    yield


def sad_minute(camera: str) -> Iterator[Message]:
    for n in range(60):
        yield observed(1000 + n, 400 + n, [face("sad", track=camera)], camera=camera)
        yield ledger(400 + n, 401 + n, 1, camera, first_seq=1000 + n, next_seq=1001 + n)


def alerts(kafka: KafkaSettings) -> dict[str, Alert]:
    return {alert.event_id: alert for alert in messages(kafka, ALERTS)}


def windows(kafka: KafkaSettings) -> dict[tuple[str, int], Window]:
    return {(window.key, window.revision): window for window in messages(kafka, WINDOWS)}


@pytest.fixture
def told(kafka_settings: KafkaSettings, tmp_path: Path) -> Settings:
    """Windows of three cameras, told by the live aggregator as far as can be."""
    rng = random.Random(5)
    cameras = ("a", "b", "c")
    logs = {camera: [*camera_log(camera, 5), *sad_minute(camera)] for camera in cameras}
    log: list[Message] = []
    while any(logs.values()):
        log.append(logs[rng.choice([camera for camera in cameras if logs[camera]])].pop(0))
    settings = load(
        kafka={**kafka_settings.model_dump(), "aggregate_group": f"{kafka_settings.group}-aggregate"},
        aggregate={"windows": [{"seconds": 20}], "grace_seconds": 20, "commit_seconds": 0.05, "idle_seconds": 3600},
        alerts=[SAD],
    )
    end = START + timedelta(seconds=420)  # the last that all cameras have come to the grace of

    def whole() -> bool:
        ends = [window.end for window in windows(settings.kafka).values() if window.final and window.scope == "site"]
        return max(ends, default=START) >= end

    with aggregated(settings, tmp_path, log, whole):
        return settings


def replayed(settings: Settings, **options: Any) -> dict[str, Any]:
    chosen = Options(**{"topic": EVENTS, "name": "again", **options})
    return run(settings, chosen, Console(file=io.StringIO()), threading.Event())


def test_windows_of_a_replay_are_those_that_were_told(told: Settings) -> None:
    report = replayed(told)
    live = windows(told.kafka)
    assert windows(own(told.kafka, "again")) == live
    assert alerts(own(told.kafka, "again")) == alerts(told.kafka)
    assert report["alerts"] == {"sad": {"both": 3, "only_first": 0, "only_replay": 0}}
    finals = {(window.key, window.final) for window in live.values()}
    assert report["windows"] == {
        "same": len(finals), "different": 0, "only_first": 0, "only_replay": 0, "not_compared": 0
    }  # fmt: skip
    assert report["kinds"].keys() == {"camera 20s", "site 20s"}


def test_other_settings_are_told_by_their_differences(told: Settings) -> None:
    zone = {"id": "desk", "camera": "a", "polygon": [(0, 0), (1, 0), (1, 1), (0, 1)]}
    other = load(
        kafka=told.kafka.model_dump(),
        zones=[zone],
        aggregate={"windows": [{"seconds": 20}, {"seconds": 40}], "grace_seconds": 0},
        alerts=[{**SAD, "id": "sad-room", "scope": "site", "above": 0.2}],
    )
    report = replayed(other)
    again = windows(own(told.kafka, "again"))
    assert {window.scope for window in again.values()} == {"camera", "zone", "site"}
    assert report["kinds"].keys() == {"camera 20s", "camera 40s", "site 20s", "site 40s", "zone 20s", "zone 40s"}
    finals = [{window.key for window in told_.values() if window.final} for told_ in (windows(told.kafka), again)]
    assert report["windows"]["only_replay"] == len(finals[1] - finals[0])
    assert {key.split("/")[-2] for key in finals[1] - finals[0]} == {"20s", "40s"}
    assert report["alerts"]["sad"] == {"both": 0, "only_first": 3, "only_replay": 0}
    assert report["alerts"]["sad-room"]["only_replay"] > 0
    assert report["windows"]["different"] > 0  # late frames find no grace


def test_windows_of_one_camera(told: Settings) -> None:
    report = replayed(told, cameras=("b",))
    assert {(window.scope, window.id) for window in windows(own(told.kafka, "again")).values()} == {("camera", "b")}
    live = {key for key, window in windows(told.kafka).items() if (window.scope, window.id) == ("camera", "b")}
    assert windows(own(told.kafka, "again")).keys() == live
    assert report["windows"]["same"] > 0
    assert report["windows"]["different"] == report["windows"]["only_first"] == 0


def test_windows_of_the_last_part_alone(told: Settings) -> None:
    """Those that began before it are not compared."""
    writer = producer(told.kafka)
    since = datetime.now(UTC)
    wait_until(lambda: datetime.now(UTC) > since + timedelta(milliseconds=5))
    for n in range(100):
        for camera in "abc":
            message = observed(1060 + n, 460 + n, camera=camera)
            writer.send(name(told.kafka, EVENTS), message.encode(), f"site/{camera}".encode(), headers_of(message))
    writer.flush()
    writer.close()
    report = replayed(told, since=since.isoformat())
    assert report["windows"]["not_compared"] > 0
    assert report["windows"]["different"] == 0
