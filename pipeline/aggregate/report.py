"""What a run did, as `--report` writes it: frames by fate, faces, latency. Pure."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pipeline.aggregate.account import Account, Frames
from pipeline.messages import Alert, Message, ModelRef, Observation, Window

LATENCIES_KEPT = 20_000  # the latest
WINDOWS_KEPT = 10_000


class RunReport:
    """Totals over the records of one run. `live` names the cameras whose captured_at is the wall clock."""

    def __init__(self, live: frozenset[str]) -> None:
        self.account = Account()
        self.faces: dict[str, int] = {}  # by camera
        self.inferences = 0
        self.model: ModelRef | None = None
        self.detector: ModelRef | None = None
        self._windows = 0
        self._recent_windows: dict[str, None] = {}  # keys, oldest first
        self._alerts: set[str] = set()  # ids
        self._first_captured: datetime | None = None
        self._last_processed: datetime | None = None
        self._live = live
        self._latencies: deque[float] = deque(maxlen=LATENCIES_KEPT)

    def add(self, message: Message) -> bool:
        """Book a record of `emotion-events`. False when it is a duplicate, which counts for nothing."""
        new = self.account.add(message)
        if new and isinstance(message, Observation):
            self.faces[message.camera] = self.faces.get(message.camera, 0) + len(message.faces)
            self.inferences += sum(face.inferred and face.scores is not None for face in message.faces)
            self.model, self.detector = message.model, message.detector
            self._first_captured = min(self._first_captured or message.captured_at, message.captured_at)
            self._last_processed = max(self._last_processed or message.processed_at, message.processed_at)
            if message.camera in self._live:
                self._latencies.append((message.processed_at - message.captured_at).total_seconds())
        return new

    def window(self, window: Window) -> None:
        """Counts a window once, however often it is told."""
        if window.key not in self._recent_windows:
            self._windows += 1
            self._recent_windows[window.key] = None
            if len(self._recent_windows) > WINDOWS_KEPT:
                del self._recent_windows[next(iter(self._recent_windows))]

    def alert(self, alert: Alert) -> bool:
        """Counts an alert once, however often it is told. False when it is known."""
        known = alert.alert_id in self._alerts
        self._alerts.add(alert.alert_id)
        return not known

    def finish(self, started: datetime, ended: datetime) -> dict[str, Any]:
        """The report of a run between these times; `seconds` go from its first frame to its last observation."""
        total, faces = self.account.total(), sum(self.faces.values())
        first = max(started, self._first_captured or started)
        last = min(ended, self._last_processed or ended)
        seconds = max((last - first).total_seconds(), 1e-3)
        return {
            "frames": block(total),
            "faces": faces,
            "inferences": self.inferences,
            "windows": self._windows,
            "alerts": len(self._alerts),
            "seconds": round(seconds, 3),
            "frames_per_second": round(total.observed / seconds, 3),
            "faces_per_second": round(faces / seconds, 3),
            "latency_seconds": self.latency(),
            "cameras": {
                camera: {**block(frames), "faces": self.faces.get(camera, 0)}
                for camera, frames in ((key.split("/", 1)[1], each) for key, each in self.account.cameras().items())
            },
            "model": self.model and self.model.model_dump(),
            "detector": self.detector and self.detector.model_dump(),
            "missing": total.missing,
            "duplicates": self.account.duplicates,
            "balanced": total.balanced,
        }

    def latency(self) -> dict[str, float | None]:
        """Capture to observation in seconds, over the live cameras; null where there is none."""
        if len(self._latencies) < 2:
            value = self._latencies[0] if self._latencies else None
            return {"p50": value, "p95": value, "p99": value}
        cuts = statistics.quantiles(self._latencies, n=100, method="inclusive")
        return {"p50": round(cuts[49], 4), "p95": round(cuts[94], 4), "p99": round(cuts[98], 4)}


def block(frames: Frames) -> dict[str, Any]:
    """The report's block of one camera, or of all."""
    values = asdict(frames)
    del values["missing"]
    return values
