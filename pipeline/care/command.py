"""`emostream report`: from the topics to a page and a PDF."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline import __version__
from pipeline.care.chart import chart
from pipeline.care.day import Day
from pipeline.care.html import html
from pipeline.care.records import find, kept_since
from pipeline.care.summary import DaySummary, summarize
from pipeline.care.telling import page
from pipeline.errors import EmostreamError, UsageError
from pipeline.settings import NAME, Settings
from pipeline.wording import Language

DAYS_BACK = {"today": 0, "yesterday": 1}


@dataclass(frozen=True)
class Files:
    """Where to write. `html`: None for a name made of the place and the day; `pdf`: None for no PDF."""

    html: Path | None = None
    pdf: Path | None = None


def report(settings: Settings, zone: str, day: str, files: Files, language: Language, now: dt.datetime) -> list[Path]:
    """The files that were written. Raises UsageError for a day or a place that there is no report on."""
    if not NAME.fullmatch(zone):
        raise UsageError(f"--zone: {zone!r} is no name", "a zone or a camera of the settings")
    of = parse_day(day, ZoneInfo(settings.timezone), now)
    target = files.html or Path(f"report-{zone}-{of.date}.html")
    for file in (target, files.pdf):
        if file is not None:
            _check_writable(file)
    summary = _summary(settings, zone, of, now)
    told = page(summary, language, now, __version__)
    drawn = chart(summary, told)
    _write(target, html(told, drawn).encode())
    if files.pdf is None:
        return [target]
    from pipeline.care.pdf import pdf

    _write(files.pdf, pdf(told, drawn, now))
    return [target, files.pdf]


def parse_day(text: str, zone: ZoneInfo, now: dt.datetime) -> Day:
    """`2026-11-20`, `today` or `yesterday` there. Raises UsageError, also for a day that has not begun."""
    today = now.astimezone(zone).date()
    try:
        date = today - dt.timedelta(days=DAYS_BACK[text]) if text in DAYS_BACK else dt.date.fromisoformat(text)
        day = Day(date, zone)
        length = day.seconds
    except (ValueError, OverflowError):
        raise UsageError(f"--day: {text!r} is no day", "2026-11-20, today or yesterday") from None
    if not length:
        raise UsageError(f"--day: {date} was left out of the calendar in {zone.key}", "name another day")
    if now <= day.start:
        raise UsageError(f"--day: {date} has not begun in {zone.key}", "timezone in the settings names the site's")
    return day


def _summary(settings: Settings, zone: str, day: Day, now: dt.datetime) -> DaySummary:
    place, records = find(settings, zone, day)
    inside = any(window.start < day.end and window.end > day.start for window in records.windows)
    if not inside and day.end < kept_since(settings.kafka, now):
        days = f"{settings.kafka.events_retention_days:g}"
        raise UsageError(
            f"--day: nothing is kept of {day.date} any more",
            f"windows are kept for {days} days (kafka.events_retention_days)",
        )
    return summarize(place, day, now, records)


def _check_writable(file: Path) -> None:
    """Better known before the topics are read."""
    if file.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK):
        raise UsageError(f"{file}: cannot be written", "name a file in a folder that exists")


def _write(file: Path, content: bytes) -> None:
    """For the owner's eyes: it tells of people."""
    try:
        if not file.exists():
            file.touch(mode=0o600)
        file.write_bytes(content)
    except OSError as error:
        raise EmostreamError(f"{file}: the report cannot be written: {error.strerror}", "name another file") from None
