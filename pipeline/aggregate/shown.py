"""The metrics of the cameras that an aggregator reads."""

from __future__ import annotations

from collections.abc import Container, Iterable

from pipeline.aggregate.aggregator import EventsPartition
from pipeline.aggregate.fates import Fates
from pipeline.aggregate.panes import Camera
from pipeline.metrics import Metrics

REASONS = ("buffer_full", "expired", "overload", "publish_failed", "thinned", "too_large")
"""Counted from zero on, so that the first frames that are dropped for one of them show in a rate."""


class Shown:
    """For the aggregator's loop alone."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._known: set[str] = set()
        self._covered: dict[str, int] = {}  # cameras, with the partition that their windows are made from

    def covered(self, camera: str, coverage: float | None, partition: int) -> None:
        """Of a camera's last window, made from this partition of `aggregate-state`; None: there is none."""
        if coverage is not None:
            self._covered[camera] = partition
            self._metrics.window_coverage.labels(camera).set(coverage)
        elif self._covered.pop(camera, None) is not None:
            self._metrics.window_coverage.remove(camera)

    def show(self, partitions: Iterable[EventsPartition], scopes: Container[int]) -> None:
        """What was counted since the last time, and how far each camera's time has come.

        A camera that came to its end, or is somebody else's now, has none any more. `scopes`: the partitions of
        `aggregate-state` that are ours.
        """
        running = set()
        for partition in partitions:
            for camera, panes in partition.cameras():
                if panes.state is None:
                    continue
                self._count(camera, panes.fates)
                panes.fates = Fates()
                if panes.state.gone_at is None:
                    running.add(camera)
                    self._set(camera, panes.state)
        for camera in self._known - running:
            for gauge in (self._metrics.watermark, self._metrics.log_open):
                gauge.remove(camera)
        self._known = running
        for camera in [camera for camera, partition in self._covered.items() if partition not in scopes]:
            self.covered(camera, None, self._covered[camera])

    def _count(self, camera: str, fates: Fates) -> None:
        metrics = self._metrics
        metrics.log_expected.labels(camera).inc(fates.expected)
        metrics.log_captured.labels(camera).inc(fates.captured)
        metrics.log_observed.labels(camera).inc(fates.observed)
        metrics.log_dead_lettered.labels(camera).inc(fates.dead_lettered)
        metrics.log_unexplained.labels(camera).inc(fates.unexplained)
        for reason in {*REASONS, *fates.dropped}:
            metrics.log_dropped.labels(camera, reason).inc(fates.dropped.get(reason, 0))

    def _set(self, camera: str, state: Camera) -> None:
        self._metrics.watermark.labels(camera).set(state.time.timestamp())
        self._metrics.log_open.labels(camera).set(sum(session.open for session in state.sessions.values()))
