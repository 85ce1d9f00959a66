"""When an analyzer counts as stalled. Pure: fed with its statuses and the time."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.analyze.status import Status

START_SECONDS = 120.0  # to load the model and join the group, on a machine where all is started at once


@dataclass(slots=True)
class Watch:
    """Judges one analyzer. `limit`: seconds without progress. `started`: when it was, by a monotonic clock.

    Progress is an answer with a turning loop and, while frames are held and the model answers, with records
    written out. An analyzer that waits for the model makes none and is not stalled: the frames wait in Kafka. Nor is
    one that waits for a Kafka that is away: another one could only wait, too. Until its loop turns it is given
    START_SECONDS: one that is replaced while it starts is no further after that.
    """

    limit: float
    started: float
    _loops: int = 0
    _written: int = -1
    _turned_at: float | None = None
    _wrote_at: float | None = None

    def saw(self, status: Status | None, now: float) -> None:
        """It answered. `status` is None while it is still being assembled."""
        if status is None:
            return
        if status.loops != self._loops or status.waiting_for_kafka:
            self._loops, self._turned_at = status.loops, now
        waits = status.waiting_for_model or status.waiting_for_kafka
        if status.written != self._written or status.inflight == 0 or waits:
            self._written, self._wrote_at = status.written, now

    def stalled(self, now: float) -> str | None:
        """Why it must be replaced, or None."""
        if self._turned_at is None:
            limit = max(START_SECONDS, self.limit)
            return f"it did not start within {limit:g} s" if now - self.started > limit else None
        if now - self._turned_at > self.limit:
            return f"no sign of life for {self.limit:g} s"
        if self._turned_at - (self._wrote_at or self.started) > self.limit:
            return f"holds frames and wrote nothing for {self.limit:g} s"
        return None
