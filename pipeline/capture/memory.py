"""A log in memory: a `FramePublisher` for tests and dry runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pipeline.capture.publisher import Done
from pipeline.messages import CameraState, CameraStatus, FrameHeader, Ledger


class MemoryPublisher:
    """Keeps what is published, in order. `answer` settles a record: at once, later, or not at all."""

    def __init__(self, answer: Callable[[object, Done], None] = lambda record, done: done(None)) -> None:
        self.log: list[FrameHeader | Ledger] = []
        self.statuses: list[CameraStatus] = []
        self.jpegs: dict[str, bytes] = {}  # the last one of each camera
        self._answer = answer
        self._changed = threading.Condition(threading.RLock())

    def frame(self, header: FrameHeader, jpeg: bytes, done: Done) -> None:
        with self._changed:
            self.log.append(header)
            self.jpegs[header.frame_id.camera] = jpeg
            self._changed.notify_all()
        self._answer(header, done)

    def ledger(self, ledger: Ledger, done: Done) -> None:
        with self._changed:
            self.log.append(ledger)
            self._changed.notify_all()
        self._answer(ledger, done)

    def status(self, status: CameraStatus, done: Done) -> None:
        with self._changed:
            self.statuses.append(status)
            self._changed.notify_all()
        self._answer(status, done)

    def close(self, timeout: float) -> None:
        """Nothing is held back."""

    def frames(self, camera: str | None = None) -> list[FrameHeader]:
        with self._changed:
            found = [each for each in self.log if isinstance(each, FrameHeader)]
        return [each for each in found if camera in (None, each.frame_id.camera)]

    def ledgers(self, camera: str | None = None) -> list[Ledger]:
        with self._changed:
            found = [each for each in self.log if isinstance(each, Ledger)]
        return [each for each in found if camera in (None, each.camera)]

    def states(self, camera: str) -> list[CameraState]:
        with self._changed:
            return [each.state for each in self.statuses if each.camera == camera]

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Until the condition holds, looked at whenever something was published; False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)
