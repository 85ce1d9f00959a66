"""How a rollout does, as people are told of it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from pipeline.messages import Rollout, RolloutVerdict, Stage
from pipeline.rollout.judge import Judge, measures, waits
from pipeline.rollout.stages import RUNNING, stage_of


class Measured(BaseModel):
    """`share` of `of` requests or faces, and how much is `allowed`, as parts of 1."""

    metric: str
    share: float
    of: int
    allowed: float


class Status(BaseModel):
    """`reason`: of the last decision. `waits`: for what it waits. `measures`: since it came to this stage."""

    stage: Stage
    reason: str
    waits: str
    compared: int
    measures: list[Measured]
    rollout: Rollout
    verdict: RolloutVerdict | None


def status(rollout: Rollout, verdict: RolloutVerdict | None, judge: Judge, now: datetime) -> Status:
    stage = stage_of(rollout, verdict)
    own = verdict if verdict is not None and verdict.rollout_id == rollout.rollout_id else None
    whole = judge.whole(rollout, stage)
    found = measures(rollout, whole) if stage in RUNNING else []
    by_people = rollout.ended is stage
    return Status(
        stage=stage,
        reason=rollout.reason if by_people else own.reason if own else "",
        waits=waits(rollout, stage, whole, now),
        compared=whole.compared,
        measures=[Measured(metric=each.metric, share=each.share, of=each.n, allowed=each.bound) for each in found],
        rollout=rollout,
        verdict=own,
    )
