"""A record as a line: text, or one JSON object. Both without secrets."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from pipeline.logs.about import fields_of
from pipeline.logs.redact import redact

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class TextLines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__(FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class JsonLines(logging.Formatter):
    """`role`: of the process."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if self._role:
            line["role"] = self._role
        line |= {name: redact(value) if isinstance(value, str) else value for name, value in fields_of(record).items()}
        held_back = getattr(record, "held_back", None)
        if held_back is not None:
            line["held_back"] = held_back
        if record.exc_info:
            line["error"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)
