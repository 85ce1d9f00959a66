"""`emostream events`: topics as JSON lines."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.errors import UsageError
from pipeline.kafka.reader import Reader, shown
from pipeline.settings import KafkaSettings
from pipeline.topics import plan

POLL_SECONDS = 0.5
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def show(kafka: KafkaSettings, topic: str, follow: bool, since: str | None, stop: threading.Event) -> None:
    """Print the topic's records: all or those since a time, then, with `follow`, what comes until `stop`."""
    planned(kafka, topic)
    start = None if since is None else parse_since(since, datetime.now(UTC))
    with Reader(kafka, [topic]) as reader:
        reader.from_beginning() if start is None else reader.from_time(start)
        _print(record for record in reader.to_end() if not stop.is_set())
        while follow and not stop.is_set():
            _print(reader.poll(POLL_SECONDS))


def planned(kafka: KafkaSettings, topic: str) -> None:
    """Raises UsageError for a topic that is none of ours."""
    topics = plan(kafka)
    if topic not in topics:
        raise UsageError(f"--topic: {topic!r} is not known", f"one of {', '.join(topics)}")


def parse_since(text: str, now: datetime, option: str = "--since") -> datetime:
    """`10m` before now, or an ISO time (UTC when it names no zone). Raises UsageError that names the option."""
    ago = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    try:
        if ago:
            return now - timedelta(**{UNITS[ago[2]]: float(ago[1])})
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(f"{option}: {text!r} is no time", "90s, 10m, 2h, 1d, or 2026-01-31T12:00:00Z") from None
    return at.replace(tzinfo=at.tzinfo or UTC)


def _print(records: Iterable[Any]) -> None:
    for record in records:
        sys.stdout.write(json.dumps(shown(record), ensure_ascii=False) + "\n")
    sys.stdout.flush()
