"""Where log lines go, and whose are too many."""

from __future__ import annotations

import logging
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from pipeline.logs.about import FIELDS, fields_of
from pipeline.logs.lines import JsonLines, TextLines
from pipeline.logs.repeats import HeldBack, Repeats
from pipeline.settings import LogsSettings

log = logging.getLogger(__name__)

TALKATIVE = ("kafka", "httpx", "httpcore", "urllib3")  # kafka's DEBUG lines hold payloads; the others tell each request
MOST_CAMERAS = 50  # so many times as often may a line of code tell of all of them: names can be made up without end


class Sparing(logging.StreamHandler):  # type: ignore[type-arg]
    """Holds back what comes again and again: the same line of code, of the same camera or of very many.

    `most`: lines of one camera in a minute. How many more there were is told with the next line after the minute, and
    at the end.
    """

    def __init__(self, file: Path | None, most: int) -> None:
        super().__init__(sys.stderr if file is None else file.open("a", encoding="utf-8"))
        self._file = file
        self._of_a_camera: Repeats[logging.LogRecord] = Repeats(most)
        self._of_all: Repeats[logging.LogRecord] = Repeats(most * MOST_CAMERAS)

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        for held in self._of_a_camera.over(now) + self._of_all.over(now):
            super().emit(_summary(held))
        fields = dict.fromkeys(FIELDS) | fields_of(record)  # whoever tells of it later is about something else
        kind, line = (record.name, record.lineno, record.levelno), _like(record, **fields)
        if self._of_a_camera.admit((*kind, fields["camera"]), line, now) and self._of_all.admit(kind, line, now):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is of logging
        """A line that cannot be written, as of wrong arguments. Python would show them as they are."""
        error = sys.exc_info()[0]
        with suppress(OSError, ValueError):  # a disk that is full, a file that is closed
            self.stream.write(f"{record.name}:{record.lineno}: a line is lost: {error and error.__name__}\n")

    def close(self) -> None:
        now = time.monotonic()
        for held in self._of_a_camera.close(now) + self._of_all.close(now):
            super().emit(_summary(held))
        if self._file is not None:
            self.stream.close()
        super().close()


def set_up(level: str, file: Path | None = None, *, logs: LogsSettings | None = None, role: str = "") -> None:
    """Log to stderr, or to the end of `file`; the talkative libraries only from WARNING on. `role`: of the process.

    What nobody catches, and Python's warnings, are lines like others: they may hold an address with its password.
    """
    logs = logs or LogsSettings()
    handler = Sparing(file, logs.repeats)
    handler.setFormatter(JsonLines(role) if logs.format == "json" else TextLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("ended by an error that nobody caught", exc_info=(kind, error, trace))


def _uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not issubclass(told.exc_type, SystemExit):
        name = told.thread.name if told.thread else ""
        error = told.exc_type, told.exc_value, told.exc_traceback
        log.critical("thread %s ended by an error that nobody caught", name, exc_info=error)


def _summary(held: HeldBack[logging.LogRecord]) -> logging.LogRecord:
    """Of what was held back, as a line of its own, about what the last of them was about."""
    args = held.count, held.seconds, held.last.getMessage()
    return _like(held.last, msg="... %d more in %.0f s, the last: %s", args=args, held_back=held.count)


def _like(record: logging.LogRecord, **changes: object) -> logging.LogRecord:
    """The line again, without what hangs on its exception."""
    return logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None, **changes})
