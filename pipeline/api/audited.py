"""Changes, each of which is written into the audit log, with who made it and what came of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from pipeline.access import Caller
from pipeline.api.problems import Refused, told
from pipeline.errors import DependencyError, EmostreamError, UsageError
from pipeline.limits import Limits
from pipeline.messages import AuditOutcome, AuditRecord

log = logging.getLogger(__name__)

REFUSED_PER_SECOND, REFUSED_AT_ONCE = 1.0, 60  # of one caller: what is written here stays for a year


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
    """`write`: one record, raises DependencyError. `there`: whether Kafka is. `clock`: seconds."""

    site: str
    write: Callable[[AuditRecord], None]
    there: Callable[[], bool]
    now: Callable[[], datetime]
    clock: Callable[[], float]
    _limits: Limits = field(default_factory=lambda: Limits(REFUSED_PER_SECOND, REFUSED_AT_ONCE))

    def do(self, deed: Deed, change: Callable[[], None]) -> None:
        """Raises DependencyError when Kafka is away: nothing is begun then, as nobody could know of it."""
        if not self.there():
            raise DependencyError("Kafka does not answer", "nothing was changed; try again")
        try:
            change()
        except EmostreamError as error:
            self._try(deed, AuditOutcome.FAILED, error.message)
            raise
        try:
            self.write(self._record(deed, AuditOutcome.DONE, deed.reason))
        except EmostreamError as error:
            log.error("%s of %s by %s was done and is not in the audit log: %s", *_named(deed), error)
            raise

    @contextmanager
    def refusing(self, deed: Deed) -> Iterator[None]:
        """Around what may be refused: that is written down, and `recorded` then. Raises Refused."""
        try:
            yield
        except (UsageError, Refused) as error:
            refused = told(error)
            if isinstance(refused, Refused) and refused.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                self.refused(deed, error.message if isinstance(error, UsageError) else str(refused.detail))
                refused.recorded = True
            raise refused from None

    def refused(self, deed: Deed, why: str) -> None:
        """It was not allowed, or not valid. Never raises. Of a caller who is refused all the time, not each is kept."""
        if self._limits.take(deed.caller.name, self.clock()):
            log.warning("%s of %s by %s: one refusal too many for the audit log", *_named(deed))
        elif self.there():
            self._try(replace(deed, after=None), AuditOutcome.REFUSED, why)

    def _try(self, deed: Deed, outcome: AuditOutcome, why: str) -> None:
        try:
            self.write(self._record(deed, outcome, why))
        except EmostreamError as error:
            log.warning("%s of %s by %s is not in the audit log: %s", *_named(deed), error)

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


def _named(deed: Deed) -> tuple[str, str, str]:
    return deed.action, deed.target, deed.caller.name


def _values(record: BaseModel | None) -> dict[str, Any] | None:
    return (
        None
        if record is None
        else record.model_dump(mode="json", exclude={"schema_version", "changed_at", "changed_by"})
    )
