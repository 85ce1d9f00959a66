"""Decides on the rollout of a site by what its analyzers measure: in the aggregator that leads, and nowhere else.

All that it knows stands on topics: the rollout on `rollouts`, the figures in the signs of life on `roles`. So it begins
anew where another left off. What it decides is written into the audit log first, under an id of its own: what is done
twice is told once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from kafka.errors import KafkaError

from pipeline.beside import Beside
from pipeline.errors import DependencyError
from pipeline.kafka.audit import AuditLog
from pipeline.kafka.believable import taken
from pipeline.kafka.clients import RARELY
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import AuditOutcome, AuditRecord, RoleStatus, Rollout, RolloutVerdict, Stage
from pipeline.metrics import Metrics
from pipeline.rollout.judge import Judge
from pipeline.rollout.registry import RolloutRegistry
from pipeline.rollout.stages import Known, joined, stage_of
from pipeline.settings import Settings
from pipeline.topics import ROLES, ROLLOUTS

log = logging.getLogger(__name__)

WHO, ROLE = "emostream", "aggregate"
METRICS = ("failures", "label_changes", "distance")
POLL_SECONDS = 0.5
RETRY_SECONDS = 2.0
STOP_SECONDS = 3.0


class RolloutController(Beside):
    """A context manager around the work of an aggregator. `leads`: whether this one decides, asked before it does."""

    def __init__(
        self,
        settings: Settings,
        leads: Callable[[], bool],
        metrics: Metrics,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__("rollout", STOP_SECONDS)
        self._settings = settings
        self._leads = leads
        self._metrics = metrics
        self._now = now
        self._known: Known = None, None
        self._overruled: dict[type[Rollout] | type[RolloutVerdict], bool] = {}  # the last record of each kind
        for metric in METRICS:
            metrics.rollouts_backed_out.labels(metric)

    def _run(self) -> None:
        """Again after whatever Kafka does to it."""
        while not self._stop.is_set():
            try:
                self._work()
            except (KafkaError, DependencyError, OSError) as error:
                log.warning("nobody decides on rollouts: %s", error)
            except Exception:
                log.exception("deciding on a rollout failed")
            self._stop.wait(RETRY_SECONDS)

    def _work(self) -> None:
        kafka, site = self._settings.kafka, self._settings.site
        judge = Judge()
        with (
            Reader(kafka, [ROLLOUTS, ROLES], pace=RARELY) as reader,
            RolloutRegistry(kafka, site) as registry,
            AuditLog(kafka) as audit,
        ):
            reader.from_beginning()
            self._take(reader.to_end(), judge)
            while not self._stop.is_set():
                self._take(reader.poll(POLL_SECONDS), judge)  # first: who stood still may have been replaced
                if not self._leads():
                    continue
                self._set_right(registry)
                rollout, before = self._known
                if rollout is not None:
                    verdict = judge.verdict(rollout, before, self._now())
                    if verdict is not None:
                        self._tell(verdict, rollout, audit)
                        registry.put(verdict)
                        self._known = rollout, verdict
                        if verdict.stage is Stage.BACKED_OUT:
                            self._metrics.rollouts_backed_out.labels(verdict.metric).inc()

    def _take(self, records: Iterable[Any], judge: Judge) -> None:
        for record in records:
            match None if record.value is None else parse(record):
                case Rollout() | RolloutVerdict() as ours if ours.site == self._settings.site:
                    self._known = joined(self._known, ours)
                    self._overruled[type(ours)] = ours not in self._known
                case RoleStatus() as status if status.site == self._settings.site:
                    judge.add(status, taken(record))
        rollout, verdict = self._known
        at = None if rollout is None else stage_of(rollout, verdict)
        for stage in Stage:
            self._metrics.rollout_stage.labels(stage).set(stage is at)

    def _set_right(self, registry: RolloutRegistry) -> None:
        """Writes again what a late record stands behind: of each key, the topic keeps the last one alone."""
        for record in self._known:
            if record is not None and self._overruled.pop(type(record), False):
                registry.put(record)

    def _tell(self, verdict: RolloutVerdict, rollout: Rollout, audit: AuditLog) -> None:
        """In the log and the audit log."""
        back = verdict.stage is Stage.BACKED_OUT
        log.warning("rollout: %s: %s", verdict.stage.replace("_", " "), verdict.reason)
        record = AuditRecord(
            event_id=f"{verdict.rollout_id}-{verdict.stage}",
            site=verdict.site,
            at=verdict.at,
            who=WHO,
            role=ROLE,
            action="rollout.back" if back else "rollout.canary",
            target=f"model/{rollout.candidate.ref.name}/{rollout.candidate.ref.version}",
            after=verdict.model_dump(mode="json", include={"rollout_id", "stage", "metric"}),
            outcome=AuditOutcome.DONE,
            reason=verdict.reason,
        )
        try:
            audit.write(record)
        except DependencyError as error:  # to go back does not wait for it
            log.error("%s is not in the audit log: %s", record.action, error)
