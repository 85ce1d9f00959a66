"""The whole system on the real parts: capture and analyze as processes, files and synthetic cameras to events."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import psutil
import pytest
from rich.console import Console

from pipeline.capture.uri import camera_specs
from pipeline.kafka.clients import apply_topics
from pipeline.kafka.reader import Reader, parse
from pipeline.local.stack import LocalStack
from pipeline.local.system import Plan, SystemRun
from pipeline.messages import CameraState, Ledger, Observation, Scope, Window
from pipeline.settings import CameraSettings, Settings
from pipeline.topics import EVENTS, WINDOWS

RUNS = itertools.count()
PATIENCE = 90.0


class Run:
    """One run on the shared stack, with topics of its own."""

    def __init__(self, stack: LocalStack, uris: list[str], seconds: float | None = None, **changes: Any) -> None:
        number = next(RUNS)
        kafka = stack.settings.kafka.model_copy(update={"topic_prefix": f"e2e{number}", "group": f"e2e{number}"})
        cameras = [CameraSettings(uri=uri) for uri in uris]
        self.settings = Settings.model_validate(
            {**stack.settings.model_dump(), "kafka": kafka, "cameras": cameras, **changes}
        )
        self.folder = stack.run.path / f"e2e{number}"
        (self.folder / "logs").mkdir(parents=True)
        self.stop = threading.Event()
        apply_topics(kafka)
        self.output = io.StringIO()
        console = Console(file=self.output, width=200)
        plan = Plan(self.settings, tuple(camera_specs(cameras)), self.folder, seconds, headless=True)
        self.system = SystemRun(plan, console, self.stop, stack)

    def report(self) -> dict[str, Any]:
        return self.system.run()

    def messages(self) -> list[Any]:
        with Reader(self.settings.kafka, [EVENTS]) as reader:
            reader.from_beginning()
            return [parse(record) for record in reader.to_end()]

    def minutes(self) -> list[Window]:
        """The windows of a minute that were told for the last time, each once."""
        with Reader(self.settings.kafka, [WINDOWS]) as reader:
            reader.from_beginning()
            windows = [parse(record) for record in reader.to_end()]
        found = {each.key: each for each in windows if isinstance(each, Window) and each.spec == "60s" and each.final}
        return list(found.values())


def clip(file: Path, frames: int, size: tuple[int, int] = (320, 240)) -> str:
    """A video of moving bars; its number of frames is known."""
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"mp4v"), 25, size)
    for at in range(frames):
        picture = np.full((size[1], size[0], 3), 60, np.uint8)
        cv2.rectangle(picture, (at * 3 % size[0], 40), (at * 3 % size[0] + 40, 200), (40, 160, 220), -1)
        writer.write(picture)
    writer.release()
    return str(file)


def processes_named(sign: str, above: psutil.Process | None = None) -> list[psutil.Process]:
    """Descendants of this test process whose command line holds `sign`."""
    found = []
    for process in (above or psutil.Process()).children(recursive=True):
        try:
            if sign in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def once(condition: Callable[[], Any]) -> Any:
    """What `condition` gives as soon as it is true."""
    give_up = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not (value := condition()):
        assert time.monotonic() < give_up, "waited in vain"
        pause.wait(0.05)
    return value


def test_files_end_by_themselves_with_every_frame_observed(stack: LocalStack, tmp_path: Path) -> None:
    uris = [f"{clip(tmp_path / 'a.mp4', 57)}?realtime=false", f"{clip(tmp_path / 'b.mp4', 101)}?realtime=false"]
    run = Run(stack, uris)
    report = run.report()
    assert report["balanced"]
    assert report["frames"]["captured"] == report["frames"]["observed"] == 158
    assert (report["frames"]["dropped"], report["frames"]["dead_lettered"], report["frames"]["in_flight"]) == ({}, 0, 0)
    assert {name: block["observed"] for name, block in report["cameras"].items()} == {"a": 57, "b": 101}
    assert report["duplicates"] == 0
    finals = [message for message in run.messages() if isinstance(message, Ledger) and message.final]
    assert {(final.camera, final.state, final.next_seq) for final in finals} == {
        ("a", CameraState.ENDED, 57),
        ("b", CameraState.ENDED, 101),
    }


def test_synthetic_faces_are_read_and_the_script_travels_along(stack: LocalStack) -> None:
    left = {"id": "left", "camera": "room", "polygon": [(0, 0), (0.5, 0), (0.5, 1), (0, 1)]}
    run = Run(stack, ["synthetic:?people=2&seed=5&frames=60&realtime=false&id=room"], zones=[left])
    report = run.report()
    assert report["balanced"]
    assert report["frames"]["observed"] == 60
    assert report["faces"] >= 90
    assert report["windows"] >= len(run.minutes())
    minutes = [window for window in run.minutes() if window.scope is Scope.CAMERA]
    assert sum(window.frames.observed for window in minutes) == 60
    assert sum(window.n_face_frames for window in minutes) == report["faces"]
    zones = [window for window in run.minutes() if window.scope is Scope.ZONE]
    assert {(window.id, *window.cameras) for window in zones} == {("left", "room")}
    assert sum(window.frames.observed for window in zones) == 60
    faces = [face for message in run.messages() if isinstance(message, Observation) for face in message.faces]
    in_zone = [face for face in faces if face.bbox.x + face.bbox.width / 2 < 0.5]
    assert all((face in in_zone) == (face.zone_ids == ["left"]) for face in faces)
    assert 0 < sum(window.n_face_frames for window in zones) == len(in_zone) < len(faces)
    assert 0 < report["inferences"] == sum(face.inferred for face in faces) < report["faces"]
    carried = [face for face in faces if not face.inferred and not face.abstained]
    assert carried
    assert all(
        face.scores is None and face.smoothed and face.label == max(face.smoothed, key=face.smoothed.__getitem__)
        for face in carried
    )
    assert {face.track_epoch for face in faces} == {min(face.track_epoch for face in faces)}
    assert len({face.track_id for face in faces}) == 2
    observations = [message for message in run.messages() if isinstance(message, Observation)]
    assert all(len(observation.scripted or []) == 2 for observation in observations)
    face = observations[0].faces[0]
    assert face.scores is not None
    assert abs(sum(face.scores.values()) - 1) < 0.01
    assert observations[0].model.sha256
    assert set(observations[0].timings) >= {"decode", "detect", "crop", "classify"}


def test_live_cameras_stop_in_order(stack: LocalStack) -> None:
    run = Run(
        stack, ["synthetic:?people=1&seed=1&fps=10&id=one", "synthetic:?people=1&seed=2&fps=10&id=two"], seconds=8
    )
    report = run.report()
    assert report["balanced"]
    assert all(block["observed"] > 20 for block in report["cameras"].values())
    assert report["latency_seconds"]["p50"] is not None
    assert "one: stopped" in run.output.getvalue()


def test_a_missing_file_leaves_the_others_alone(stack: LocalStack, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    good = f"{clip(tmp_path / 'good.mp4', 20)}?realtime=false"
    run = Run(stack, [str(tmp_path / "missing.mp4"), f"{text}?realtime=false", good])
    report = run.report()
    assert report["balanced"]
    assert report["cameras"]["good"]["observed"] == 20
    assert set(run.system.failed()) == {"missing", "text"}


@pytest.mark.timeout(240)
def test_nothing_is_lost_when_analyzer_model_worker_and_aggregator_are_killed(stack: LocalStack) -> None:
    """kill -9 of each in the middle of a run; frames are read again, duplicates tell themselves apart."""
    frames = 400
    run = Run(stack, [f"synthetic:?people=1&seed={seed}&frames={frames}&realtime=false&id=c{seed}" for seed in (1, 2)])
    killed: list[str] = []

    def kill(sign: str) -> None:
        victim = once(lambda: processes_named(sign))[-1]
        os.kill(victim.pid, signal.SIGKILL)
        killed.append(sign)

    def disturb() -> None:
        once(lambda: run.system.observed > frames // 4)
        kill("ray::Analyzer")
        once(lambda: run.system.observed > frames)
        kill("model_service_worker")
        kill("pipeline.cli aggregate")

    thread = threading.Thread(target=disturb)
    thread.start()
    report = run.report()
    thread.join()
    assert killed == ["ray::Analyzer", "model_service_worker", "pipeline.cli aggregate"]
    assert report["balanced"]
    assert report["frames"]["captured"] == report["frames"]["observed"] == 2 * frames
    ids = {message.event_id for message in run.messages() if isinstance(message, Observation)}
    assert len(ids) == 2 * frames
    minutes = run.minutes()
    for scope in (Scope.SITE, Scope.CAMERA):
        assert sum(window.frames.observed for window in minutes if window.scope is scope) == 2 * frames


@pytest.mark.timeout(240)
def test_an_analyzer_that_stalls_is_replaced(stack: LocalStack) -> None:
    frames = 300
    uri = f"synthetic:?people=1&seed=1&frames={frames}&realtime=false&id=stalling"
    run = Run(stack, [uri], analyze={"stall_seconds": 8})
    stopped: list[psutil.Process] = []

    def disturb() -> None:
        once(lambda: run.system.observed > 20)
        victim = processes_named("ray::Analyzer")[0]
        victim.send_signal(signal.SIGSTOP)
        stopped.append(victim)

    thread = threading.Thread(target=disturb)
    thread.start()
    report = run.report()
    thread.join()
    assert report["balanced"]
    assert report["frames"]["observed"] == frames
    assert "is replaced: no sign of life for 8 s" in (run.folder / "logs" / "analyze.log").read_text()
    assert not stopped[0].is_running() or stopped[0].status() == psutil.STATUS_ZOMBIE


def test_the_clips_at_hand(stack: LocalStack, shared_data: Path) -> None:
    """As many frames as the decoder counts; a face in nearly every frame of a clip that shows one."""
    names = ["again.mkv", "friday.mp4"]
    run = Run(stack, [f"{shared_data / 'videos' / name}?realtime=false" for name in names])
    report = run.report()
    assert report["balanced"]
    for name in names:
        video = cv2.VideoCapture(str(shared_data / "videos" / name))
        count = 0
        while video.grab():
            count += 1
        assert report["cameras"][Path(name).stem]["observed"] == count
    observations = [message for message in run.messages() if isinstance(message, Observation)]
    again = [observation for observation in observations if observation.camera == "again"]
    assert sum(bool(observation.faces) for observation in again) >= 0.95 * len(again)


def test_every_process_shows_its_metrics(stack: LocalStack) -> None:
    run = Run(stack, ["synthetic:?people=1&seed=3&fps=10&id=metered"])
    pages: dict[str, str] = {}

    def scrape() -> bool:
        for file in (run.folder / "metrics").glob("*.json"):
            (group,) = json.loads(file.read_text())
            for target in group["targets"]:
                pages[group["labels"]["role"]] = httpx.get(f"http://{target}/metrics").text
        return 'emostream_frames_observed_total{camera_id="metered"}' in pages.get("analyze", "")

    def watch() -> None:
        try:
            once(scrape)
        finally:
            run.stop.set()

    thread = threading.Thread(target=watch)
    thread.start()
    assert run.report()["balanced"]
    thread.join()
    assert 'emostream_frames_published_total{camera_id="metered"}' in pages["capture"]
    assert 'emostream_camera_up{camera_id="metered"} 1.0' in pages["capture"]
    documented = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    shown = {line.split()[2] for page in pages.values() for line in page.splitlines() if line.startswith("# TYPE emo")}
    assert {name for name in shown if not name.endswith("_created") and f"`{name}`" not in documented} == set()
