"""Whether a new version goes on, goes back, or needs more faces, by what the analyzers measured. Pure.

Three shares are judged, each against its bound: requests that fail, faces whose strongest expression is another one,
and the distance of the scores. The last two are of pairs: both versions have read the same crops, so what the cameras
see has no part in them. A bound counts as broken when even the lowest share that fits the figures is above it, of all
since the stage began or of the last minutes; as kept when the share itself is not above it, of enough faces.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from pipeline.messages import RoleStatus, Rollout, RolloutFigures, RolloutVerdict, Stage
from pipeline.rollout.stages import RUNNING, least, stage_of, told

WINDOW = timedelta(minutes=5)
REQUESTS = 20  # fewer say nothing of failures: a server that is started again fails some
RUNS = 1000  # of analyzers, that are remembered


@dataclass(frozen=True, slots=True)
class Tally:
    """Figures of several analyzers; see RolloutFigures."""

    asked: int = 0
    failed: int = 0
    live_asked: int = 0
    live_failed: int = 0
    compared: int = 0
    label_changes: int = 0
    distance: float = 0.0

    @classmethod
    def of(cls, parts: Iterable[RolloutFigures | Tally]) -> Tally:
        """All of them together."""
        found = list(parts)
        return cls(*(sum(getattr(each, field.name) for each in found) for field in fields(cls)))

    def __sub__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, field.name) - getattr(other, field.name) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Measure:
    """`count` of `n`, which may be at most `bound`."""

    metric: str
    said: str
    count: float
    n: int
    bound: float

    @property
    def share(self) -> float:
        return self.count / self.n if self.n else 0.0

    @property
    def broken(self) -> bool:
        return least(self.count, self.n) > self.bound

    def __str__(self) -> str:
        return f"{self.said} {self.share:.1%} of {self.n}, allowed are {self.bound:.1%}"


def measures(rollout: Rollout, tally: Tally) -> list[Measure]:
    """What there is to judge; requests only when there are enough of them."""
    bounds = rollout.bounds
    usual = tally.live_failed / tally.live_asked if tally.live_asked else 0.0
    found = [
        Measure("label_changes", "other expressions", tally.label_changes, tally.compared, bounds.label_changes),
        Measure("distance", "distance of scores", tally.distance, tally.compared, bounds.distance),
    ]
    if tally.asked >= REQUESTS:
        found.insert(0, Measure("failures", "failed requests", tally.failed, tally.asked, usual + bounds.failures))
    return found


class Judge:
    """Feed it signs of life in the order of their topic. Times are Kafka's: hosts' clocks may differ."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, Stage, str, datetime], deque[tuple[datetime, Tally]]] = {}

    def add(self, status: RoleStatus, at: datetime) -> None:
        """`at`: when Kafka took it. One that is no analyzer's, or says nothing of a rollout, is passed over."""
        figures = status.figures
        if figures is None or status.role != "analyze":
            return
        key = figures.rollout_id, figures.stage, status.key, status.started_at
        run = self._runs.pop(key, deque())
        run.append((at, Tally.of([figures])))
        while len(run) > 1 and run[1][0] <= at - WINDOW:
            run.popleft()
        self._runs[key] = run  # last: the first is the one that has been silent longest
        if len(self._runs) > RUNS:
            del self._runs[next(iter(self._runs))]

    def whole(self, rollout: Rollout, stage: Stage) -> Tally:
        """All since the stage began."""
        return Tally.of(run[-1][1] for run in self._held(rollout, stage))

    def recent(self, rollout: Rollout, stage: Stage, now: datetime) -> Tally:
        """The last minutes: what had been counted before them is taken off."""
        return Tally.of(_since(run, now - WINDOW) for run in self._held(rollout, stage))

    def verdict(self, rollout: Rollout, before: RolloutVerdict | None, now: datetime) -> RolloutVerdict | None:
        """What is decided now; None: nothing."""
        stage = stage_of(rollout, before)
        if stage not in RUNNING:
            return None
        whole = self.whole(rollout, stage)
        for tally in (whole, self.recent(rollout, stage, now)):
            for measure in measures(rollout, tally):
                if measure.broken:
                    return _verdict(rollout, Stage.BACKED_OUT, now, measure.metric, f"at stage {stage}: {measure}")
        if stage is Stage.SHADOW and not waits(rollout, stage, whole, now):
            compared = "; ".join(map(str, measures(rollout, whole)))
            return _verdict(rollout, Stage.CANARY, now, "", f"within bounds on {whole.compared} faces: {compared}")
        return None

    def _held(self, rollout: Rollout, stage: Stage) -> list[deque[tuple[datetime, Tally]]]:
        return [run for key, run in self._runs.items() if key[:2] == (rollout.rollout_id, stage)]


def waits(rollout: Rollout, stage: Stage, whole: Tally, now: datetime) -> str:
    """What a rollout waits for, "" when nothing keeps it from going on."""
    if stage is not Stage.SHADOW:
        return "for people, who finish it or take it back" if stage is Stage.CANARY else ""
    left = rollout.started_at + timedelta(seconds=rollout.shadow_seconds) - now
    if left > timedelta(0):
        return f"for {left.total_seconds():.0f} s more as a shadow"
    if whole.compared < rollout.bounds.faces:
        return f"for faces: {whole.compared} of {rollout.bounds.faces} are compared"
    doubtful = [str(measure) for measure in measures(rollout, whole) if measure.share > measure.bound]
    return f"for more faces, to be sure: {'; '.join(doubtful)}" if doubtful else ""


def _since(run: deque[tuple[datetime, Tally]], begin: datetime) -> Tally:
    before = [tally for at, tally in run if at <= begin]
    return run[-1][1] - before[-1] if before else run[-1][1]


def _verdict(rollout: Rollout, stage: Stage, at: datetime, metric: str, reason: str) -> RolloutVerdict:
    assert stage is Stage.CANARY or stage is Stage.BACKED_OUT
    said = f"{told(rollout.candidate.ref)} {reason}"
    return RolloutVerdict(
        site=rollout.site, rollout_id=rollout.rollout_id, stage=stage, at=at, metric=metric, reason=said
    )
