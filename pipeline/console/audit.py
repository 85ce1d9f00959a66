"""`emostream audit`: who changed what."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.console.listing import listing
from pipeline.kafka.audit import written
from pipeline.messages import AuditOutcome, AuditRecord
from pipeline.settings import KafkaSettings

COLOURS = {AuditOutcome.REFUSED: "yellow", AuditOutcome.FAILED: "red"}


def show(kafka: KafkaSettings, since: datetime | None, as_json: bool, console: Console) -> None:
    records = written(kafka, since)
    if as_json:
        sys.stdout.writelines(json.dumps(each.model_dump(mode="json"), ensure_ascii=False) + "\n" for each in records)
    elif not records:
        console.print("nothing was changed")
    else:
        console.print(_table(records))


def _table(records: Iterable[AuditRecord]) -> Table:
    table = listing(("when", "outcome"), ("who", "did", "to", "what"))
    for record in records:
        when = record.at.astimezone().strftime("%d %b %H:%M:%S")
        outcome = Text(record.outcome, style=COLOURS.get(record.outcome, ""))
        who = Text(f"{record.who} ({record.role})")
        table.add_row(when, outcome, who, record.action, Text(record.target), Text("; ".join(_what(record))))
    return table


def _what(record: AuditRecord) -> Iterable[str]:
    """What was changed, field by field, and why."""
    before, after = record.before or {}, record.after or {}
    for field in sorted(before.keys() | after.keys()):
        if before.get(field) != after.get(field):
            was = f"{_short(before[field])} → " if field in before else ""
            yield f"{field}: {was}{_short(after.get(field))}"
    if record.reason:
        yield record.reason


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
