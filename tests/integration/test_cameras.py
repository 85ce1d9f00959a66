"""Cameras come and go while capture runs: real processes on a real Kafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.cameras.registry import CameraRegistry
from pipeline.console import cameras
from pipeline.errors import UsageError
from pipeline.kafka.reader import Reader, parse
from pipeline.local.roles import role, write_settings
from pipeline.messages import AuditOutcome, AuditRecord, CameraState, CameraStatus
from pipeline.settings import CameraSettings, KafkaSettings, PolicySettings, Settings
from pipeline.topics import AUDIT, CAMERA_STATUS

PATIENCE = 60.0
SMALL = "synthetic:?size=160x120&fps=5&id="
UP, STOPPED = CameraState.UP, CameraState.STOPPED


class Statuses:
    """What `camera-status` tells, as it comes."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.last: dict[str, CameraStatus] = {}
        self.moved: set[str] = set()  # cameras that one process gave to another

    def until(self, done: Callable[[dict[str, CameraStatus]], bool]) -> None:
        give_up = time.monotonic() + PATIENCE
        while not done(self.last):
            assert time.monotonic() < give_up, {name: (s.state, s.reason) for name, s in self.last.items()}
            for status in map(parse, self._reader.poll(0.2)):
                if isinstance(status, CameraStatus) and status.session >= self.session(status.camera):
                    self.last[status.camera] = status
                    if status.reason == "another capture process takes it over":
                        self.moved.add(status.camera)

    def session(self, camera: str) -> int:
        return self.last[camera].session if camera in self.last else 0


@pytest.fixture
def statuses(kafka_settings: KafkaSettings) -> Iterator[Statuses]:
    with Reader(kafka_settings, [CAMERA_STATUS]) as reader:
        reader.from_beginning()
        yield Statuses(reader)


@pytest.fixture
def settings(kafka_settings: KafkaSettings) -> Settings:
    policy = PolicySettings(purpose="tests", setting="demonstration")
    return Settings(kafka=kafka_settings, cameras=[CameraSettings(uri=f"{SMALL}own")], policy=policy)


def folder(path: Path, settings: Settings) -> tuple[Path, Path]:
    """-> (settings file, folder of logs)"""
    path.mkdir()
    return write_settings(settings, path), path


def test_a_camera_is_added_paused_and_removed_while_capture_runs(
    settings: Settings, statuses: Statuses, tmp_path: Path
) -> None:
    def told(camera: str, state: CameraState, reason: str = "") -> None:
        statuses.until(lambda last: camera in last and (last[camera].state, last[camera].reason) == (state, reason))

    with role("capture", *folder(tmp_path / "one", settings)):
        told("own", UP)
        assert cameras.add(settings, f"{SMALL}hall", None, "", None, "anna") == "camera hall: added"
        told("hall", UP)
        cameras.pause(settings, "hall", True, "anna")
        told("hall", STOPPED, "paused by anna")
        cameras.pause(settings, "hall", False, "anna")
        told("hall", UP)
        cameras.pause(settings, "own", True, "anna")
        told("own", STOPPED, "paused by anna")
        cameras.remove(settings, "hall", "anna")
        told("hall", STOPPED, "removed")
        with pytest.raises(UsageError, match="own: cannot be removed"):
            cameras.remove(settings, "own", "anna")
        with pytest.raises(UsageError, match="own: the name is taken"):
            cameras.add(settings, f"{SMALL}own", None, "", None, "anna")
        with pytest.raises(UsageError, match="no camera nobody"):
            cameras.pause(settings, "nobody", True, "anna")

    again = statuses.session("own")
    with role("capture", *folder(tmp_path / "two", settings)):  # what is paused stays so
        cameras.pause(settings, "own", False, "anna")
        statuses.until(lambda last: last["own"].session > again and last["own"].state is UP)

    with Reader(settings.kafka, [AUDIT]) as reader:
        reader.from_beginning()
        audit = [record for record in map(parse, reader.to_end()) if isinstance(record, AuditRecord)]
    refused = [record.action for record in audit if record.outcome is AuditOutcome.REFUSED]
    assert refused == ["camera.remove", "camera.add", "camera.pause"]
    assert len(audit) == 9
    assert {record.who for record in audit} == {"anna"}


def test_a_camera_that_is_added_again_keeps_its_masks_and_its_pause(settings: Settings) -> None:
    """Whoever changes its address at the command line must not uncover what somebody had blacked out."""
    mask = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0)]
    cameras.add(settings, f"{SMALL}hall", None, "", None, "anna")
    with CameraRegistry(settings.kafka, settings.site) as registry:
        masked = registry.all()["hall"].model_copy(update={"masks": [mask], "paused": True})
        registry.put(masked)
        assert cameras.add(settings, f"{SMALL}hall&people=1", None, "", None, "eve") == "camera hall: changed"
        changed = registry.all()["hall"]
    assert (changed.masks, changed.paused, changed.changed_by) == ([mask], True, "eve")
    assert changed.uri == f"{SMALL}hall&people=1"


def test_cameras_of_a_process_that_was_killed_are_taken_over(
    settings: Settings, statuses: Statuses, tmp_path: Path
) -> None:
    added = [f"cam-{number}" for number in range(6)]
    nothing = settings.model_copy(update={"cameras": []})
    for camera in added:
        cameras.add(settings, SMALL + camera, None, "", None, "anna")

    def all_up(last: dict[str, CameraStatus]) -> bool:
        return all(camera in last and last[camera].state is UP for camera in added)

    with role("capture", *folder(tmp_path / "one", nothing)) as first:
        statuses.until(all_up)
        with role("capture", *folder(tmp_path / "two", nothing)):
            statuses.until(lambda last: bool(statuses.moved) and all_up(last))
            before = {camera: statuses.session(camera) for camera in added}
            stayed = set(added) - statuses.moved
            first.kill()
            statuses.until(
                lambda last: all(last[camera].session > before[camera] for camera in stayed) and all_up(last)
            )
            assert all(statuses.session(camera) == before[camera] for camera in statuses.moved)
            assert stayed
