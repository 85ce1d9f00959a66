"""What people do at the command line, written to the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.errors import DependencyError, EmostreamError, UsageError
from pipeline.kafka.audit import AuditLog
from pipeline.messages import CONSOLE, AuditOutcome, AuditRecord
from pipeline.settings import Settings


@dataclass
class Change:
    """One thing that somebody does, see AuditRecord. Whoever does it fills in what is known only then."""

    action: str
    target: str
    who: str
    reason: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


@contextmanager
def audited(settings: Settings, change: Change) -> Iterator[Change]:
    """Around what is done: when it ends, `change` is written, refused where it raised UsageError.

    Raises DependencyError when it was done but cannot be written; what it raised itself goes on.
    """
    try:
        yield change
    except EmostreamError as error:
        outcome = AuditOutcome.REFUSED if isinstance(error, UsageError) else AuditOutcome.FAILED
        change.reason, change.after = error.message, None
        with suppress(DependencyError):  # what went wrong first is what to tell
            _write(settings, change, outcome)
        raise
    _write(settings, change, AuditOutcome.DONE)


def _write(settings: Settings, change: Change, outcome: AuditOutcome) -> None:
    with AuditLog(settings.kafka) as log:
        log.write(
            AuditRecord(
                site=settings.site,
                at=datetime.now(UTC),
                who=change.who,
                role=CONSOLE,
                action=change.action,
                target=change.target,
                before=change.before,
                after=change.after,
                outcome=outcome,
                reason=change.reason,
            )
        )
