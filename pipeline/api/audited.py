"""Changes, each of which is written into the audit log, with who made it and what came of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from pipeline.access import Caller
from pipeline.errors import DependencyError, EmostreamError
from pipeline.messages import AuditOutcome, AuditRecord

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deed:
    """What somebody wants to do. `before`, `after`: what it changes, as far as it is known."""

    caller: Caller
    action: str
    target: str
    reason: str = ""
    before: BaseModel | None = None
    after: BaseModel | None = None


@dataclass(frozen=True)
class Audited:
    """`write`: one record, raises DependencyError. `there`: whether Kafka is."""

    site: str
    write: Callable[[AuditRecord], None]
    there: Callable[[], bool]
    now: Callable[[], datetime]

    def do(self, deed: Deed, change: Callable[[], None]) -> None:
        """Raises DependencyError when Kafka is away: nothing is begun then, as nobody could know of it."""
        if not self.there():
            raise DependencyError("Kafka does not answer", "nothing was changed; try again")
        try:
            change()
        except EmostreamError as error:
            self._try(deed, AuditOutcome.FAILED, error.message)
            raise
        self.write(self._record(deed, AuditOutcome.DONE, deed.reason))

    def refused(self, deed: Deed, why: str) -> None:
        """It was not allowed, or not valid. Never raises."""
        if self.there():
            self._try(replace(deed, after=None), AuditOutcome.REFUSED, why)

    def _try(self, deed: Deed, outcome: AuditOutcome, why: str) -> None:
        try:
            self.write(self._record(deed, outcome, why))
        except EmostreamError as error:
            log.warning("%s of %s by %s is not in the audit log: %s", deed.action, deed.target, deed.caller.name, error)

    def _record(self, deed: Deed, outcome: AuditOutcome, reason: str) -> AuditRecord:
        return AuditRecord(
            site=self.site,
            at=self.now(),
            who=deed.caller.name,
            role=deed.caller.role,
            action=deed.action,
            target=deed.target,
            before=_values(deed.before),
            after=_values(deed.after),
            outcome=outcome,
            reason=reason,
        )


def _values(record: BaseModel | None) -> dict[str, Any] | None:
    return (
        None
        if record is None
        else record.model_dump(mode="json", exclude={"schema_version", "changed_at", "changed_by"})
    )
