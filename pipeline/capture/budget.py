"""The bound on frames handed to Kafka and not yet acknowledged: kafka-python itself has none."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InFlight:
    """What is held now."""

    frames: int
    bytes: int


class Budget:
    """Bytes of all cameras and frames of each. Thread-safe.

    A frame larger than the whole budget passes when nothing else is held, so nothing waits for ever.
    """

    def __init__(self, max_bytes: int, max_frames_per_camera: int) -> None:
        self._max_bytes = max_bytes
        self._max_frames = max_frames_per_camera
        self._bytes = 0
        self._frames: Counter[str] = Counter()
        self._changed = threading.Condition()

    def take(self, camera: str, size: int, timeout: float = 0.0) -> bool:
        """Room for a frame of `size` bytes, waited for `timeout` seconds; False when there is none."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._fits(camera, size), timeout):
                return False
            self._bytes += size
            self._frames[camera] += 1
            return True

    def give(self, camera: str, size: int) -> None:
        """The frame has met its fate."""
        with self._changed:
            self._bytes -= size
            self._frames[camera] -= 1
            if not self._frames[camera]:
                del self._frames[camera]
            self._changed.notify_all()

    def in_flight(self) -> InFlight:
        with self._changed:
            return InFlight(self._frames.total(), self._bytes)

    def _fits(self, camera: str, size: int) -> bool:
        return self._frames[camera] < self._max_frames and (self._bytes == 0 or self._bytes + size <= self._max_bytes)
