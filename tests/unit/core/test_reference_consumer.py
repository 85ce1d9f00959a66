"""The consumer that downstream teams copy from docs/tutorials/consumer.md."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from pipeline.messages import FrameCounts, Kind, Record, Scope, Window, headers_of
from tests.records import START, face, ledger, observed, stub
from tests.tutorial import blocks


@pytest.fixture
def consumer() -> ModuleType:
    (page,) = [block for block in blocks("consumer.md") if block.file == "consumer.py"]
    module = ModuleType("consumer")
    exec(page.body, module.__dict__)
    return module


@pytest.fixture
def database(consumer: ModuleType) -> sqlite3.Connection:
    made: sqlite3.Connection = consumer.open_database(":memory:")
    return made


def window(revision: int = 0, **changes: Any) -> Window:
    told: dict[str, Any] = {
        "scope": Scope.CAMERA, "site": "site", "id": "door", "spec": "10s", "start": START,
        "end": START + timedelta(seconds=10), "as_of": START, "revision": revision, "final": False,
        "frames": FrameCounts(expected=50, observed=50, dead_lettered=0), "coverage": 1.0, "cameras": {"door": 1.0},
        "n_face_frames": 50, "n_tracks": 1, "n_told": 40, "n_abstained": 10,
        "label_share": {"happy": 0.9, "sad": 0.1},
    }  # fmt: skip
    return Window(**{**told, **changes})


def store(consumer: ModuleType, database: sqlite3.Connection, record: Any, key: str = "") -> None:
    consumer.store(database, key or record.key, headers_of(record), record.encode())


def rows(database: sqlite3.Connection, table: str) -> list[Any]:
    return database.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


def test_a_frame_counts_once_and_the_first_time(consumer: ModuleType, database: sqlite3.Connection) -> None:
    for record in (observed(1, 2.0, [face("sad")]), observed(1, 2.0, []), stub(2, 3.0), ledger(0, 3, 1)):
        store(consumer, database, record, "site/cam")
    assert [(row[0], row[3], row[4]) for row in rows(database, "frames")] == [
        ("site/cam/1/1", 1, "sad"), ("site/cam/1/2", None, None),
    ]  # fmt: skip


def test_the_highest_revision_of_a_window_counts(consumer: ModuleType, database: sqlite3.Connection) -> None:
    for told in (window(0), window(2, final=True, label_share={"sad": 1.0}), window(1)):
        store(consumer, database, told)
    assert rows(database, "windows") == [(window().key, 2, 1, "mostly sad (100% of 40 readings)")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "mostly happy (90% of 40 readings)"),
        ({"coverage": None}, "nothing was expected"),
        ({"coverage": 0.3}, "not seen enough"),
        ({"blind": 0.8}, "not seen enough"),
        ({"suppressed": True, "label_share": None}, "withheld: too few people"),
        ({"n_face_frames": 0, "n_told": 0, "label_share": None}, "nobody was there"),
        ({"n_told": 3}, "too few readings"),
    ],
)
def test_coverage_comes_before_calm(
    consumer: ModuleType, database: sqlite3.Connection, changes: dict[str, Any], said: str
) -> None:
    store(consumer, database, window(**changes))
    assert rows(database, "windows")[0][3] == said


def test_what_a_later_release_adds_is_passed_over(
    consumer: ModuleType, database: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    later: Record = observed(1, 2.0).model_copy(update={"schema_version": 2})
    value = later.encode().replace(b'{"schema_version"', b'{"new_field":[1],"schema_version"')
    consumer.store(database, "site/cam", [("ce_type", Kind.OBSERVATION.encode())], value)
    consumer.store(database, "site/cam", [("ce_type", b"emostream.observation.v2")], b"not even json")
    consumer.store(database, "some/key", [("ce_type", Kind.WINDOW.encode())], None)
    consumer.store(database, "some/key", [], b"")
    assert len(rows(database, "frames")) == 1
    assert "schema version 2" in capsys.readouterr().err
