"""The model of the settings, and beside it the version that a rollout brings in: which of the two reads a face.

As a shadow the new version reads what the live one reads. As a canary it reads the faces of its cameras, and the live
one reads along there. Wherever the new one fails, the live one answers in its place, in the same call: no face waits
for a version that may be taken back, or that a server which was started again has no more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.classify.along import Along, Compared
from pipeline.classify.classifier import Classifier, Crop, Scored
from pipeline.errors import EmostreamError
from pipeline.messages import Rollout, RolloutFigures, RolloutVerdict, ServedModel, Stage
from pipeline.metrics import Metrics
from pipeline.rollout.stages import RUNNING, is_canary, stage_of, told

log = logging.getLogger(__name__)


class Read(NamedTuple):
    """What was said of some crops, and by which model."""

    scored: Scored
    by: Classifier


@dataclass
class _Beside:
    """A version beside the live one, at one stage of its rollout. `along`: reads what the other one answers."""

    rollout: Rollout
    stage: Stage
    candidate: Classifier
    along: Along | None = None
    counts: dict[str, float] = field(default_factory=dict)


class Versions:
    """`follow` may be called while others classify. `make`: a classifier of a model as its server describes it."""

    def __init__(
        self, live: Classifier, metrics: Metrics, make: Callable[[ServedModel], Classifier] | None = None
    ) -> None:
        self.live = live
        self._metrics = metrics
        self._make = make
        self._beside: _Beside | None = None
        self._lock = threading.Lock()  # of the counts

    def of(self, camera: str) -> Classifier:
        """Which model is to read the faces of a camera, site/camera, from now on."""
        beside = self._beside
        if beside is None or beside.stage is Stage.SHADOW:
            return self.live
        if beside.stage is Stage.FINISHED or is_canary(beside.rollout, camera):
            return beside.candidate
        return self.live

    def classify(self, reader: Classifier, crops: Sequence[Crop]) -> Read:
        """`reader`: as `of` gave it, even if that has changed since. Raises ClassifierUnavailable."""
        beside = self._beside
        if reader is self.live:
            scored = self._ask(beside, self.live, crops)
            if beside is not None and beside.stage is Stage.SHADOW and beside.along is not None:
                beside.along.offer(crops, scored)
            return Read(scored, self.live)
        try:
            scored = reader.classify(crops)
            if not scored.errors:
                self._count(beside, reader, failed=False)
                if beside is not None and beside.along is not None and beside.candidate is reader:
                    beside.along.offer(crops, scored)
                return Read(scored, reader)
        except Exception as error:
            log.info("%s fails, the live model reads in its place: %r", told(reader.model), error)
        try:
            in_its_place = self.live.classify(crops)
        except Exception:
            for model in (reader, self.live):
                self._count(None, model, failed=True)  # where both fail, it is not the version
            raise
        self._count(beside, reader, failed=True)
        self._count(beside, self.live, failed=bool(in_its_place.errors))
        return Read(in_its_place, self.live)

    def follow(self, rollout: Rollout | None, verdict: RolloutVerdict | None) -> None:
        """What is known of the rollout now. Never raises: with one that cannot be had all stays with the live model."""
        stage = None if rollout is None else stage_of(rollout, verdict)
        before = self._beside
        if rollout is None or stage is None or stage is Stage.BACKED_OUT or not self._concerns(rollout):
            self._beside = None
        elif before is not None and before.rollout.rollout_id == rollout.rollout_id:
            if before.stage is stage:
                before.rollout = rollout  # its share may be another
                return
            self._beside = self._at(rollout, stage, before.candidate)
        else:
            self._beside = self._begun(rollout, stage)
        now = self._beside
        if now is not None:
            log.warning("rollout of %s: %s", told(now.candidate.model), now.stage.replace("_", " "))
        elif before is not None:
            log.warning("%s reads all again, and not %s", told(self.live.model), told(before.candidate.model))
        self._leave(before, now)

    def figures(self) -> RolloutFigures | None:
        """What was measured since the stage began."""
        beside = self._beside
        if beside is None or beside.stage not in RUNNING:
            return None
        with self._lock:
            counts = {name: round(count, 6) for name, count in beside.counts.items()}
        return RolloutFigures.model_validate({"rollout_id": beside.rollout.rollout_id, "stage": beside.stage, **counts})

    def close(self) -> None:
        before, self._beside = self._beside, None
        self._leave(before, None)
        self.live.close()

    def _concerns(self, rollout: Rollout) -> bool:
        """Settings that name neither of its models, or the new one already, win."""
        if rollout.live == self.live.model:
            return True
        if rollout.candidate.ref != self.live.model:
            log.warning(
                "the rollout of %s is passed over: the settings name %s, and not %s",
                *(told(rollout.candidate.ref), told(self.live.model), told(rollout.live)),
            )
        return False

    def _begun(self, rollout: Rollout, stage: Stage) -> _Beside | None:
        try:
            if self._make is None:
                return None
            return self._at(rollout, stage, self._make(rollout.candidate))
        except EmostreamError as error:
            log.error("%s cannot be asked: %s", told(rollout.candidate.ref), error)
            return None

    def _at(self, rollout: Rollout, stage: Stage, candidate: Classifier) -> _Beside:
        beside = _Beside(rollout, stage, candidate)
        if stage in RUNNING:
            other = candidate if stage is Stage.SHADOW else self.live
            beside.along = Along(other, self._metrics, told=lambda compared: self._compared(beside, other, compared))
        return beside

    def _leave(self, before: _Beside | None, now: _Beside | None) -> None:
        """Whoever still asks what is closed is answered by the live model."""
        if before is None:
            return
        if before.along is not None:
            before.along.close()
        if now is None or now.candidate is not before.candidate:
            try:
                before.candidate.close()
            except Exception as error:
                log.warning("%s was not closed in good order: %r", told(before.candidate.model), error)

    def _ask(self, beside: _Beside | None, model: Classifier, crops: Sequence[Crop]) -> Scored:
        try:
            scored = model.classify(crops)
        except Exception:
            self._count(beside, model, failed=True)
            raise
        self._count(beside, model, failed=bool(scored.errors))
        return scored

    def _compared(self, beside: _Beside, other: Classifier, compared: Compared | None) -> None:
        self._count(beside, other, failed=compared is None)
        if compared is not None:
            self._add(beside, compared=compared.faces, label_changes=compared.label_changes, distance=compared.distance)

    def _count(self, beside: _Beside | None, model: Classifier, failed: bool) -> None:
        ref = model.model
        self._metrics.model_requests.labels(ref.name, ref.version).inc()
        self._metrics.model_requests_failed.labels(ref.name, ref.version).inc(failed)  # from zero on: a rate needs it
        if beside is None:
            return
        if model is self.live:
            self._add(beside, live_asked=1, live_failed=int(failed))
        elif model is beside.candidate:
            self._add(beside, asked=1, failed=int(failed))

    def _add(self, beside: _Beside, **counts: float) -> None:
        with self._lock:
            for name, count in counts.items():
                beside.counts[name] = beside.counts.get(name, 0) + count
