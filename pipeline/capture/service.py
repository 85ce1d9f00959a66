"""All cameras of one process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pipeline.capture.ahead import Ahead
from pipeline.capture.budget import Budget
from pipeline.capture.camera import Camera
from pipeline.capture.clock import Clock
from pipeline.capture.numbering import last_sessions
from pipeline.capture.publisher import FramePublisher, KafkaPublisher
from pipeline.capture.session import Outlet
from pipeline.capture.spec import CameraSpec
from pipeline.capture.uri import camera_specs
from pipeline.errors import UsageError
from pipeline.messages import CameraState, CameraStatus
from pipeline.metrics import Metrics, list_targets
from pipeline.settings import Settings

log = logging.getLogger(__name__)

STOP_SECONDS = 10.0
LAST_SECONDS = 1.0  # for a camera to see that its time is over
CLOSE_SECONDS = 2.0
JOIN_SECONDS = 0.5  # the sum, and the end of the process, stay under 15 s
NO_SESSIONS: Mapping[str, int] = MappingProxyType({})


class CaptureService:
    """Runs the cameras of `settings`, or those given. One camera's failure touches no other.

    `sessions`: the number of each camera's newest session so far, by camera.
    """

    def __init__(
        self,
        settings: Settings,
        publisher: FramePublisher,
        metrics: Metrics,
        specs: Sequence[CameraSpec] | None = None,
        sessions: Mapping[str, int] = NO_SESSIONS,
        clock: Clock | None = None,
    ) -> None:
        capture = settings.capture
        budget = Budget(int(capture.buffer_mebibytes * 2**20), capture.buffer_frames_per_camera)
        self.go = threading.Event()
        """Cleared, it holds back the cameras that can wait."""
        self.go.set()
        self._outlet = Outlet(settings.site, budget, self.go, publisher, metrics)
        self._cameras = {
            spec.id: Camera(spec, capture, self._outlet, sessions.get(spec.id, 0), clock)
            for spec in specs or camera_specs(settings.cameras)
        }

    def start(self) -> None:
        for camera in self._cameras.values():
            camera.start()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Ends all cameras: final ledger records are written and everything is delivered, or `timeout` seconds over.

        The publisher stays open: it belongs to the caller.
        """
        deadline = time.monotonic() + timeout
        for camera in self._cameras.values():
            camera.stop(deadline)
        for name, camera in self._cameras.items():
            if not camera.join(max(0.1, deadline + LAST_SECONDS - time.monotonic())):
                log.warning("camera %s: did not stop in time", name)

    def states(self) -> dict[str, CameraStatus]:
        """Each camera's state now, by its id."""
        return {name: camera.status for name, camera in self._cameras.items()}

    def ended(self) -> bool:
        """Whether all cameras are over, all they captured delivered."""
        return all(camera.join(0) for camera in self._cameras.values())

    def wait(self, stop: threading.Event, poll: float = 0.1) -> bool:
        """Until all cameras have ended (True) or `stop` is set (False)."""
        while not stop.is_set():
            if self.ended():
                return True
            stop.wait(poll)
        return False


def run(
    settings: Settings,
    stop: threading.Event,
    metrics: Metrics | None = None,
    publisher: FramePublisher | None = None,
) -> int:
    """Captures until all cameras have ended or `stop` is set; returns the exit code, 1 when a camera failed.

    Without `metrics`, serves its own. Raises UsageError for a wrong camera, DependencyError when Kafka does not answer.
    """
    specs = camera_specs(settings.cameras)
    if not specs:
        raise UsageError("cameras: there is none", "name one with --camera, such as synthetic:?people=2")
    if metrics is None:
        metrics = Metrics("capture")
        port = metrics.serve(settings.metrics.host, settings.metrics.port)
        list_targets(settings.metrics.targets_dir, "capture", settings.metrics.host, [port])
    sessions = NO_SESSIONS
    if publisher is None:
        publisher = KafkaPublisher(settings.kafka)
        sessions = last_sessions(settings.kafka, settings.site)
    service = CaptureService(settings, publisher, metrics, specs, sessions)
    ahead = Ahead(settings.kafka, settings.capture.max_ahead_frames, service.go)
    if any(not spec.live for spec in specs):
        ahead.start()
    try:
        service.start()
        service.wait(stop)
    finally:
        ahead.stop()
        service.stop()
        publisher.close(CLOSE_SECONDS)
        ahead.join(JOIN_SECONDS)
    failed = [status for status in service.states().values() if status.state is CameraState.FAILED]
    return 1 if failed else 0
