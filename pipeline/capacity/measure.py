"""What cameras cost on this machine: the whole system with a few of them, and what its processes take and write."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
from rich.console import Console

from pipeline.cameras.registry import CameraRegistry
from pipeline.capacity.costs import Costs, Measured, Rates, fitted
from pipeline.capacity.workload import Workload
from pipeline.capture.spec import Size
from pipeline.capture.synthetic import Scene, SyntheticSource
from pipeline.console.start import StartView
from pipeline.errors import DependencyError
from pipeline.kafka.clients import apply_topics
from pipeline.kafka.reader import Reader, parse
from pipeline.local.processes import cpu_seconds, memory
from pipeline.local.roles import KeptRole, write_settings
from pipeline.local.stack import LocalStack
from pipeline.local.steering import Ports, place
from pipeline.messages import DesiredCamera, Observation
from pipeline.settings import Settings
from pipeline.topics import EVENTS, plan

ROLES = ("aggregate", "analyze", "capture", "api", "dashboard")
CLIP_SECONDS = 20.0
SETTLE_FRAMES = 20  # of each camera, before anything is measured: connections, caches, the first faces
QUIET_SECONDS = 3.0  # without a frame of a camera that was taken away
POLL_SECONDS = 0.2
PATIENCE_SECONDS = 90.0
FEW, MANY = 2, 48  # cameras
LOAD = 0.5  # part of this machine that is to work: a frame costs more where there are few of them
MOST_FPS = 10.0
IDLE_ASIDE = ("self", "guardian", "other")  # no part of what would run on a site


def first_look(asked: Workload) -> Workload:
    """Of the kind that is asked for, and small."""
    return Workload(FEW, min(asked.fps, MOST_FPS), asked.faces)


def cameras_for(load: float, seen: Measured, cores: int) -> int:
    """So many that about this part of the cores works, by what a few of them took."""
    return max(FEW, min(MANY, round(seen.rates.camera * load * cores / sum(seen.cpu.values()))))


def workloads(kind: Workload, cameras: int) -> list[Workload]:
    """So many cameras, with half the frames, with nobody in view; twice as many with half the frames; and nothing."""
    usual = replace(kind, cameras=cameras)
    slow = replace(usual, fps=kind.fps / 2)
    return [usual, slow, replace(usual, faces=0), replace(slow, cameras=2 * cameras), replace(usual, cameras=0)]


def measure(settings: Settings, asked: Workload, size: Size, seconds: float, console: Console) -> Costs:
    """Runs workloads of this kind for so many seconds each, one after the other, on one start of the whole system.

    Raises DependencyError when a part of it does not come up, or no frame comes out.
    """
    with running(settings, size, console) as site:
        return costs_at(site, asked, seconds, console)


def costs_at(site: Site, asked: Workload, seconds: float, console: Console) -> Costs:
    """See measure."""
    cores = len(os.sched_getaffinity(0))
    kind = first_look(asked)
    console.print(f"a first look, with {kind.cameras:g} cameras")
    chosen = workloads(kind, cameras_for(LOAD, site.take(kind, seconds), cores))
    found = []
    for number, workload in enumerate(chosen, 1):
        console.print(f"{number} of {len(chosen)}: {workload}")
        found.append(site.take(workload, seconds))
    cpu, written = fitted(found)
    return Costs(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=platform.machine(),
        cores=cores,
        width=site.size.width,
        height=site.size.height,
        detector=site.detector,
        model=site.model,
        readings=site.readings,
        cpu=cpu,
        written=written,
        memory=site.memory,
        measured=found,
    )


@contextmanager
def running(settings: Settings, size: Size, console: Console) -> Iterator[Site]:
    """The whole system, without cameras at first."""
    metrics = settings.metrics.model_copy(update={"port": 0})
    chosen = settings.model_copy(update={"cameras": [], "alerts": [], "zones": [], "metrics": metrics})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        started = StartView(console)
        with started:
            local = stack.enter_context(LocalStack(chosen, settings.run_dir, started.tell))
        placed = place(local.settings, Ports(api=0, dashboard=0), local=True)
        apply_topics(placed.kafka)
        file = write_settings(placed, folder)
        roles = [KeptRole(name, file, folder) for name in ROLES]
        for each in roles:
            stack.callback(each.stop)
        reader = stack.enter_context(Reader(placed.kafka, [EVENTS]))
        reader.from_end()
        registry = stack.enter_context(CameraRegistry(placed.kafka, placed.site))
        yield Site(placed, folder, size, local.run.path / "kafka", roles, reader, registry)


class Site:
    """The system while it runs, and what it has been seen to do."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        size: Size,
        data: Path,
        roles: Sequence[KeptRole],
        reader: Reader,
        registry: CameraRegistry,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self.size = size
        self._data = data
        self._roles = roles
        self._reader = reader
        self._registry = registry
        self._cameras: list[str] = []
        self.readings = 0.0  # times a second that a face in view was read, at most
        self.memory: dict[str, float] = {}
        self.detector = self.model = ""

    def take(self, workload: Workload, seconds: float) -> Measured:
        self._show(workload)
        self._settle()
        before, sizes, began = cpu_seconds(), self._sizes(), time.monotonic()
        seen = list(self._observed(seconds))
        took = time.monotonic() - began
        spent = {part: (value - before[part]) / took for part, value in cpu_seconds().items()}
        written = {topic: (size - sizes[topic]) / took for topic, size in self._sizes().items()}
        for part, each in memory().items():
            self.memory[part] = max(self.memory.get(part, 0.0), sum(each) / len(each))
        faces = sum(len(observation.faces) for observation in seen)
        read = sum(face.inferred for observation in seen for face in observation.faces)
        if faces:
            self.readings = max(self.readings, read / (faces / workload.fps))
            self.detector, self.model = seen[0].detector.name, seen[0].model.name
        return Measured(
            rates=Rates(camera=workload.cameras, frame=len(seen) / took, face=faces / took, reading=read / took),
            cpu={part: value for part, value in sorted(spent.items()) if part not in IDLE_ASIDE},
            written=written,
        )

    def _show(self, workload: Workload) -> None:
        """Other cameras in place of those that there are."""
        for camera in self._cameras:
            self._registry.remove(camera)
        if not workload.cameras:
            self._cameras = []
            return
        clip = self._clip(round(workload.faces))
        kind = f"{workload.cameras:g}-{workload.fps:g}-{workload.faces:g}"
        self._cameras = [f"{kind}-{number}" for number in range(int(workload.cameras))]
        for camera in self._cameras:
            self._registry.put(
                DesiredCamera(
                    site=self._settings.site,
                    id=camera,
                    uri=str(clip),
                    fps=workload.fps,
                    loop=True,
                    changed_at=datetime.now(UTC),
                )
            )

    def _settle(self) -> None:
        """Until each camera was observed for a while, and none other any more."""
        wanted = dict.fromkeys(self._cameras, 0)
        quiet_since = time.monotonic()
        give_up = quiet_since + PATIENCE_SECONDS
        while (
            min(wanted.values(), default=SETTLE_FRAMES) < SETTLE_FRAMES
            or time.monotonic() - quiet_since < QUIET_SECONDS
        ):
            for observation in self._observed(POLL_SECONDS):
                if observation.camera in wanted:
                    wanted[observation.camera] += 1
                else:
                    quiet_since = time.monotonic()
            if time.monotonic() > give_up:
                waiting = [camera for camera, frames in wanted.items() if frames < SETTLE_FRAMES]
                what = f"too few frames of {', '.join(waiting)} came out" if waiting else "cameras did not end"
                raise DependencyError(what, f"is this machine too busy to measure on? logs: {self._folder}")

    def _observed(self, seconds: float) -> Iterator[Observation]:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for each in self._roles:
                each.process.check()
            for record in self._reader.poll(min(POLL_SECONDS, left)):
                message = parse(record)
                if isinstance(message, Observation):
                    yield message

    def _sizes(self) -> dict[str, int]:
        """Bytes on the broker's disk by topic."""
        found = {}
        for short, topic in plan(self._settings.kafka).items():
            found[short] = sum(log.stat().st_size for log in self._data.glob(f"**/{topic.name}-[0-9]*/*.log"))
        return found

    def _clip(self, people: int) -> Path:
        file = self._folder / f"people-{people}.mp4"
        if not file.exists():
            write_clip(file, Scene(people=people, seed=1, size=self.size, fps=MOST_FPS))
        return file


def write_clip(file: Path, scene: Scene) -> None:
    """Some seconds of a scene as a video."""
    source = SyntheticSource(replace(scene, frames=round(CLIP_SECONDS * scene.fps)))
    source.open()
    writer = cv2.VideoWriter(
        str(file), cv2.VideoWriter.fourcc(*"mp4v"), scene.fps, (scene.size.width, scene.size.height)
    )
    while source.grab() is not None:
        writer.write(source.picture().image)
    writer.release()
    source.close()
