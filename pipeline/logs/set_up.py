"""Where log lines go, and whose are too many."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

from pipeline.logs.about import FIELDS, fields_of
from pipeline.logs.lines import JsonLines, TextLines
from pipeline.logs.repeats import HeldBack, Repeats
from pipeline.settings import LogsSettings

TALKATIVE = ("kafka", "httpx", "httpcore", "urllib3")  # kafka's DEBUG lines hold payloads; the others tell each request


class Sparing(logging.StreamHandler):  # type: ignore[type-arg]
    """Holds back what comes again and again: the same line of code, of the same camera.

    How many there were is told with the next line after the minute, and at the end.
    """

    def __init__(self, file: Path | None, repeats: Repeats[logging.LogRecord]) -> None:
        super().__init__(sys.stderr if file is None else file.open("a", encoding="utf-8"))
        self._file = file
        self._repeats = repeats

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        for held in self._repeats.over(now):
            super().emit(_summary(held))
        fields = dict.fromkeys(FIELDS) | fields_of(record)  # whoever tells of it later is about something else
        kind = record.name, record.lineno, record.levelno, fields["camera"]
        if self._repeats.admit(kind, _like(record, **fields), now):
            super().emit(record)

    def close(self) -> None:
        for held in self._repeats.close(time.monotonic()):
            super().emit(_summary(held))
        if self._file is not None:
            self.stream.close()
        super().close()


def set_up(level: str, file: Path | None = None, *, logs: LogsSettings | None = None, role: str = "") -> None:
    """Log to stderr, or to the end of `file`; the talkative libraries only from WARNING on. `role`: of the process."""
    logs = logs or LogsSettings()
    handler = Sparing(file, Repeats(logs.repeats))
    handler.setFormatter(JsonLines(role) if logs.format == "json" else TextLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


def _summary(held: HeldBack[logging.LogRecord]) -> logging.LogRecord:
    """Of what was held back, as a line of its own, about what the last of them was about."""
    args = held.count, held.seconds, held.last.getMessage()
    return _like(held.last, msg="... %d more in %.0f s, the last: %s", args=args, held_back=held.count)


def _like(record: logging.LogRecord, **changes: object) -> logging.LogRecord:
    """The line again, without what hangs on its exception."""
    return logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None, **changes})
