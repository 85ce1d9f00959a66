"""What a process of the system says of itself every few seconds."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from pipeline.messages.record import Record
from pipeline.messages.rollout import RolloutFigures


class RoleState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"  # for Kafka or the model; `detail` says for what
    STOPPED = "stopped"  # in good order; one that is killed says nothing more


class ClockOffset(BaseModel):
    """A machine's clock less Kafka's, in seconds; positive: ahead. The true one is at most `uncertainty` away."""

    model_config = ConfigDict(frozen=True)
    seconds: float
    uncertainty: float


class RoleStatus(Record):
    """A sign of life, the last record of its key; more than some of them late, the process is gone or cut off.

    `role`: capture, analyze, aggregate, webhooks, api, dashboard. `instance`: tells processes of one role apart; that
    of an analyzer is its place, which a replacement takes over. `metrics`: host:port of its /metrics, "" without one.
    `clock`: the host's, null until it was measured. `figures`: of an analyzer, what it has measured of the rollout that
    is under way.
    """

    role: str
    instance: str
    site: str
    host: str
    version: str
    started_at: datetime
    at: datetime
    metrics: str = ""
    state: RoleState = RoleState.RUNNING
    detail: str = ""
    clock: ClockOffset | None = None
    figures: RolloutFigures | None = None

    @property
    def key(self) -> str:
        return f"{self.role}/{self.instance}"
