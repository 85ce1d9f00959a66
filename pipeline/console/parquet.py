"""`emostream events --parquet`: the records of a topic as a file for analysts. What is held is bounded."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.console.events import parse_since, planned
from pipeline.errors import DependencyError, EmostreamError, UsageError
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import KINDS, Kind
from pipeline.settings import KafkaSettings
from pipeline.topics import ALERTS, AUDIT, CAMERA_STATUS, CAMERAS, DEAD_LETTERS, EVENTS, ROLES, WINDOWS

if TYPE_CHECKING:
    import pyarrow.parquet as pq

GROUP = 2000  # rows that are held, and written as one row group
OF_TOPIC = {
    EVENTS: Kind.OBSERVATION,
    WINDOWS: Kind.WINDOW,
    ALERTS: Kind.ALERT,
    CAMERAS: Kind.CAMERA,
    CAMERA_STATUS: Kind.CAMERA_STATUS,
    DEAD_LETTERS: Kind.DEAD_LETTER,
    AUDIT: Kind.AUDIT,
    ROLES: Kind.ROLE,
}


def export(
    kafka: KafkaSettings, topic: str, file: Path, since: str | None, kind: str | None, stop: threading.Event
) -> str:
    """Writes what stands on the topic now, and says what it wrote. The file is there whole, or not at all.

    `kind`: the type of the records, by default those that the topic is there for; a file has room for one.
    """
    planned(kafka, topic)
    chosen = _chosen(topic, kind)
    start = None if since is None else parse_since(since, datetime.now(UTC))
    try:
        import pyarrow.parquet as pq

        from pipeline.console.arrow import schema_of
    except ImportError as error:
        raise DependencyError(
            f"--parquet: {error.name} is not installed", "pip install 'emostream[parquet]', or `make`"
        ) from None
    part = file.with_name(f".{file.name}.part")
    others: Counter[str] = Counter()
    try:
        with Reader(kafka, [topic]) as reader, pq.ParquetWriter(part, schema_of(KINDS[chosen])) as writer:
            reader.from_beginning() if start is None else reader.from_time(start)
            records = (record for record in reader.to_end() if not stop.is_set())
            written = _write(records, chosen, writer, others)
        part.replace(file)
    except OSError as error:
        raise UsageError(f"--parquet: {file} cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
    left = ", ".join(f"{count} {name}" for name, count in sorted(others.items()))
    return f"{file}: {written} rows of {chosen}" + (f"; left out, see --type: {left}" if left else "")


def _chosen(topic: str, kind: str | None) -> Kind:
    known = {str(each): each for each in KINDS}
    if kind is None and topic not in OF_TOPIC:
        raise UsageError(f"--parquet: {topic} holds pictures", f"one of {', '.join(OF_TOPIC)}, or --type")
    if kind is not None and kind not in known:
        raise UsageError(f"--type: {kind!r} is not known", f"one of {', '.join(known)}")
    return OF_TOPIC[topic] if kind is None else known[kind]


def _write(records: Iterable[Any], chosen: Kind, writer: pq.ParquetWriter, others: Counter[str]) -> int:
    import pyarrow as pa

    from pipeline.console.arrow import row_of

    rows: list[dict[str, Any]] = []
    written = 0

    def write() -> int:
        try:
            writer.write_table(pa.Table.from_pylist(rows, schema=writer.schema))
        except (pa.ArrowInvalid, OverflowError) as error:  # a number from outside that no column holds
            raise EmostreamError(
                f"--parquet: a record cannot be written: {error}", "see --since, to leave it out"
            ) from None
        return len(rows)

    for record in records:
        if record.value is None:  # a tombstone: nothing is said any more under its key
            continue
        message = parse(record)
        if type(message) is not KINDS[chosen]:
            others["not readable" if message is None else type(message).__name__] += 1
            continue
        assert message is not None
        rows.append(row_of(message, record.partition, record.offset))
        if len(rows) == GROUP:
            written += write()
            rows.clear()
    return written + write() if rows else written
