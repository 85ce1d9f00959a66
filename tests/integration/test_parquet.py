"""`emostream events --parquet` on a real Kafka, read back by DuckDB."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from pipeline.console.parquet import GROUP, export
from pipeline.errors import UsageError
from pipeline.kafka.clients import producer
from pipeline.messages import AuditOutcome, AuditRecord, headers_of
from pipeline.settings import KafkaSettings
from pipeline.topics import AUDIT, EVENTS, FRAMES, WINDOWS, name
from tests.records import START, face, ledger, observed, stub

NEVER = threading.Event()


def write(kafka: KafkaSettings, topic: str, records: list[object]) -> None:
    writer = producer(kafka)
    for record in records:
        key = getattr(record, "key", "site/cam").encode()
        writer.send(name(kafka, topic), record.encode(), key, headers_of(record))  # type: ignore[attr-defined,arg-type]
    writer.flush(timeout=30)
    writer.close()


def test_what_stands_on_a_topic_can_be_asked(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    frames = 2 * GROUP + 7
    seen = [observed(seq, seq / 10, [face("sad"), face("happy")] if seq % 2 else []) for seq in range(frames)]
    write(kafka_settings, EVENTS, [*seen, seen[5], stub(frames, 1.0), ledger(0, 3, 1, next_seq=3)])
    file = tmp_path / "frames.parquet"
    said = export(kafka_settings, EVENTS, file, None, None, NEVER)
    assert said == f"{file}: {frames + 1} rows of emostream.observation.v1; left out, see --type: 1 Ledger, 1 Stub"
    began = int(START.timestamp() * 1000)
    once = f"SELECT DISTINCT ON (event_id) * FROM '{file}' ORDER BY event_id, kafka_offset"
    assert duckdb.sql(f"SELECT count(*), epoch_ms(min(captured_at)) FROM ({once})").fetchall() == [(frames, began)]
    labels = duckdb.sql(f"SELECT f.label, count(*) FROM (SELECT unnest(faces) f FROM ({once})) GROUP BY 1 ORDER BY 1")
    assert labels.fetchall() == [("happy", frames // 2), ("sad", frames // 2)]
    score = duckdb.sql(f"SELECT faces[1].scores['sad'] FROM '{file}' WHERE seq = 1").fetchall()
    assert score == [(seen[1].faces[0].scores["sad"],)]  # type: ignore[index]
    ledgers = tmp_path / "ledgers.parquet"
    export(kafka_settings, EVENTS, ledgers, None, "emostream.ledger.v1", NEVER)
    assert duckdb.sql(f"SELECT next_seq FROM '{ledgers}'").fetchall() == [(3,)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames.parquet", "ledgers.parquet"]


def test_an_empty_topic_is_a_table_without_rows(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    file = tmp_path / "windows.parquet"
    assert "0 rows" in export(kafka_settings, WINDOWS, file, None, None, NEVER)
    assert duckdb.sql(f"SELECT count(*), max(coverage) FROM '{file}'").fetchall() == [(0, None)]


def test_fields_of_any_form_are_json(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    record = AuditRecord(
        site="site", at=START, who="me", role="operator", action="cameras.add", target="door", after={"fps": 5},
        outcome=AuditOutcome.DONE,
    )  # fmt: skip
    write(kafka_settings, AUDIT, [record])
    file = tmp_path / "audit.parquet"
    export(kafka_settings, AUDIT, file, None, None, NEVER)
    assert duckdb.sql(f"SELECT target, after->>'$.fps', before FROM '{file}'").fetchall() == [("door", "5", None)]


def test_what_is_wrong_is_named(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    for topic, kind, path, said in (
        (FRAMES, None, file, "frames holds pictures"),
        (EVENTS, "moods", file, "--type: 'moods' is not known"),
        ("moods", None, file, "--topic: 'moods' is not known"),
        (EVENTS, None, tmp_path / "no" / "x.parquet", "cannot be written"),
    ):
        with pytest.raises(UsageError, match=said):
            export(kafka_settings, topic, path, None, kind, NEVER)
    assert list(tmp_path.iterdir()) == []
