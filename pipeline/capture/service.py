"""All cameras of one process."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline.capture.added import AddedCameras
from pipeline.capture.ahead import Ahead
from pipeline.capture.budget import Budget
from pipeline.capture.camera import Camera
from pipeline.capture.clock import Clock
from pipeline.capture.desired import spec_of
from pipeline.capture.numbering import last_sessions
from pipeline.capture.publisher import FramePublisher, KafkaPublisher
from pipeline.capture.reconcile import Wanted, steps
from pipeline.capture.session import Outlet
from pipeline.capture.spec import CameraSpec
from pipeline.capture.uri import camera_specs
from pipeline.errors import DependencyError, UsageError
from pipeline.kafka.heartbeat import Heartbeat
from pipeline.messages import CameraState, CameraStatus, DesiredCamera
from pipeline.metrics import Metrics, list_targets
from pipeline.settings import Settings
from pipeline.traces import Spans
from pipeline.traces import close as close_spans
from pipeline.traces import start as start_spans

log = logging.getLogger(__name__)

STOP_SECONDS = 10.0
LAST_SECONDS = 1.0  # for a camera to see that its time is over
CLOSE_SECONDS = 2.0
JOIN_SECONDS = 0.5  # the sum, and the end of the process, stay under 15 s
POLL_SECONDS = 0.1

Sessions = Callable[[], Mapping[str, int]]
"""The number of each camera's newest session so far, by camera, as the log has it."""


@dataclass(frozen=True)
class _Running:
    """`desired`: None for a camera of the settings. `camera`: None where it cannot be started as it is wanted."""

    desired: DesiredCamera | None
    camera: Camera | None


class CaptureService:
    """Runs the cameras of `settings`, or those given, and those that `follow` adds. One's failure touches no other."""

    def __init__(
        self,
        settings: Settings,
        publisher: FramePublisher,
        metrics: Metrics,
        specs: Sequence[CameraSpec] | None = None,
        sessions: Sessions = dict,
        clock: Clock | None = None,
        spans: Spans | None = None,
    ) -> None:
        capture = settings.capture
        budget = Budget(int(capture.buffer_mebibytes * 2**20), capture.buffer_frames_per_camera)
        self.go = threading.Event()
        """Cleared, it holds back the cameras that can wait."""
        self.go.set()
        self._settings = capture
        self._outlet = Outlet(settings.site, budget, self.go, publisher, metrics, settings.traces.sample, spans)
        self._own = {spec.id: spec for spec in specs or camera_specs(settings.cameras)}
        self._sessions = sessions
        self._clock = clock
        self._running: dict[str, _Running] = {}
        self._leaving: dict[str, Camera] = {}  # asked to stop
        self._newest: dict[str, int] = {}  # sessions

    def start(self, wanted: Wanted | None = None) -> None:
        self.follow(wanted or Wanted())

    def follow(self, wanted: Wanted) -> None:
        """Starts what is wanted and does not run, and stops what runs and is wanted no more. Does not wait.

        A camera that was changed starts anew once its old self has told the last of it, at a later call.
        """
        for name in [name for name, camera in self._leaving.items() if camera.join(0)]:
            self._newest[name] = self._leaving.pop(name).status.session
            if name not in self._running:
                self._outlet.metrics.forget_camera(name)
        todo = steps({name: run.desired for name, run in self._running.items()}, frozenset(self._own), wanted)
        for name, reason in todo.stop.items():
            camera = self._running.pop(name).camera
            if camera is not None:
                camera.stop(time.monotonic() + STOP_SECONDS, reason)
                self._leaving[name] = camera
        starting = sorted(todo.start - self._leaving.keys())
        if starting:
            with suppress(DependencyError):  # Kafka is away: by the clock, then, and what we know
                for name, session in self._sessions().items():
                    self._newest[name] = max(session, self._newest.get(name, 0))
        for name in starting:
            self._start(name, None if name in self._own else wanted.cameras[name])

    def _start(self, name: str, desired: DesiredCamera | None) -> None:
        camera = None
        try:
            spec = self._own[name] if desired is None else spec_of(desired, os.environ)
            camera = Camera(spec, self._settings, self._outlet, self._newest.get(name, 0), self._clock)
            camera.start()
        except UsageError as error:
            self._refuse(name, desired, str(error))
        self._running[name] = _Running(desired, camera)

    def _refuse(self, name: str, desired: DesiredCamera | None, why: str) -> None:
        log.warning("camera %s: %s", name, why)
        now = datetime.now(UTC)
        status = CameraStatus(
            site=self._outlet.site,
            camera=name,
            session=max(int(now.timestamp() * 1000), self._newest.get(name, 0) + 1),
            at=now,
            state=CameraState.FAILED,
            reason=why,
            source=desired.uri if desired else "",
        )
        self._outlet.publisher.status(status, lambda error: None)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Ends all cameras: final ledger records are written and everything is delivered, or `timeout` seconds over.

        The publisher stays open: it belongs to the caller.
        """
        deadline = time.monotonic() + timeout
        cameras = self._cameras() | self._leaving
        for camera in cameras.values():
            camera.stop(deadline)
        for name, camera in cameras.items():
            if not camera.join(max(0.1, deadline + LAST_SECONDS - time.monotonic())):
                log.warning("camera %s: did not stop in time", name)

    def states(self) -> dict[str, CameraStatus]:
        """Each camera's state now, by its id."""
        return {name: camera.status for name, camera in self._cameras().items()}

    def any_waits(self) -> bool:
        """Whether one of them can wait while the analyzers are behind."""
        return any(not run.camera.spec.live for run in list(self._running.values()) if run.camera)

    def ended(self) -> bool:
        """Whether all cameras are over, all they captured delivered. One that is paused is not."""
        return self._own.keys() <= self._running.keys() and all(
            camera.join(0) for camera in [*self._cameras().values(), *self._leaving.values()]
        )

    def wait(self, stop: threading.Event, added: Callable[[], Wanted] = Wanted) -> bool:
        """Until all cameras have ended (True) or `stop` is set (False). `added`: what is wanted beside its own."""
        while not stop.is_set():
            self.follow(added())
            if self._own and self.ended():
                return True
            stop.wait(POLL_SECONDS)
        return False

    def _cameras(self) -> dict[str, Camera]:
        return {name: run.camera for name, run in self._running.items() if run.camera is not None}


def run(
    settings: Settings,
    stop: threading.Event,
    metrics: Metrics | None = None,
) -> int:
    """Captures until all cameras of the settings have ended or `stop` is set; those that are added run meanwhile.

    Without any in the settings, until `stop` is set. Returns the exit code, 1 when a camera failed. Without `metrics`,
    serves its own. Raises UsageError for a wrong camera, DependencyError when Kafka does not answer.
    """
    specs = camera_specs(settings.cameras)
    signs_of_life: AbstractContextManager[object] = nullcontext()
    if metrics is None:
        metrics = Metrics("capture")
        port = metrics.serve(settings.metrics.host, settings.metrics.port)
        list_targets(settings.metrics.targets_dir, "capture", settings.metrics.host, [port])
        signs_of_life = Heartbeat(settings, "capture", port, metrics=metrics)
    publisher = KafkaPublisher(settings.kafka)
    spans = start_spans(settings.traces, "capture")
    added = AddedCameras(settings)
    added.start()
    service = CaptureService(
        settings,
        publisher,
        metrics,
        specs,
        sessions=lambda: last_sessions(settings.kafka, settings.site),
        spans=spans,
    )
    ahead = Ahead(settings.kafka, settings.capture.max_ahead_frames, service.go, service.any_waits)
    ahead.start()
    try:
        with signs_of_life:
            service.wait(stop, lambda: added.wanted)
    finally:
        added.stop()
        ahead.stop()
        service.stop()
        publisher.close(CLOSE_SECONDS)
        close_spans(spans)
        ahead.join(JOIN_SECONDS)
        added.join(JOIN_SECONDS)
    failed = [status for status in service.states().values() if status.state is CameraState.FAILED]
    return 1 if failed else 0
