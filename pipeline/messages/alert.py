"""Windows fulfil a rule, or do so no longer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from pipeline.messages.record import OfScope


class AlertState(StrEnum):
    """`updated`: it stands, and something about it is new."""

    RAISED = "raised"
    UPDATED = "updated"
    CLEARED = "cleared"


class ClearedBy(StrEnum):
    """Why an alert is over. Only `data` says that what raised it was seen to be over."""

    DATA = "data"
    NOTHING_EXPECTED = "nothing_expected"  # its cameras were stopped, or came to their end
    GROUPED = "grouped"  # it goes on as part of another
    FORGOTTEN = "forgotten"  # on request
    RULE = "rule"  # the settings no longer have its rule


class WindowRef(BaseModel):
    """A window as it was told."""

    model_config = ConfigDict(frozen=True)
    key: str
    revision: int = 0


class Usual(BaseModel):
    """What is usual: mean and deviation of the rule's measure, learned from so many windows."""

    model_config = ConfigDict(frozen=True)
    mean: float
    deviation: float
    windows: int


class Alert(OfScope):
    """Windows fulfil a rule, or do so no longer. All records of one alert have its `alert_id`; `update` counts them.

    `since`: start of the first window in which it held; `at`: end of the one that this record comes from. `value`:
    what the rule measures, null where that cannot be told; `threshold`: its limit. `coverage`: part of the expected
    frames that was really seen. `cameras`: those it speaks of; of absent data, each with its reason, or "back".
    `windows`: those that raised it, the latest ten. `stale`: nothing could be judged for a while; no sign of calm.
    An alert that is acknowledged or silenced is told all the same, but calls nobody.
    """

    alert_id: str
    update: int = Field(ge=0)
    rule: str
    title: str
    state: AlertState
    severity: str
    since: datetime
    at: datetime
    reason: str
    value: float | None
    threshold: float
    baseline: Usual | None = None
    coverage: float | None
    cameras: dict[str, str]
    windows: list[WindowRef]
    stale: bool = False
    cleared_by: ClearedBy | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    silenced_until: datetime | None = None
    silenced_by: str = ""

    @property
    def key(self) -> str:
        return self.owner

    @property
    def event_id(self) -> str:
        """The same for the same record, however often it is written."""
        return f"{self.alert_id}-{self.update}"

    @property
    def silenced(self) -> bool:
        return self.silenced_until is not None and self.at < self.silenced_until
