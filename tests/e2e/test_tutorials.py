"""The tutorials do what they say. All that need one running system in `make test`; the others with `make tutorials`."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tutorial import PAGES, Reader, blocks, environment

TOGETHER = ("first-camera.md", "consumer.md", "console.md", "parquet.md")
ALONE = ("new-alert.md", "changing-the-model.md")
ALL = os.environ.get("EMOSTREAM_TUTORIALS") == "all"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path, environment(ROOT))
    try:
        yield reader
    finally:
        reader.stop()


def test_every_tutorial_is_run() -> None:
    assert {page.name for page in PAGES.glob("*.md")} == {*TOGETHER, *ALONE}
    for page in (*TOGETHER, *ALONE):
        assert any(block.kind == "sh" and block.say != "not run" for block in blocks(page)), page


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
@pytest.mark.timeout(280)
def test_from_the_first_camera_to_duckdb(reader: Reader) -> None:
    for page in TOGETHER:
        reader.follow(page)
    said = "\n".join(reader.said)
    assert "living-room" in said
    assert "of the promised frames" in said
    with sqlite3.connect(reader.folder / "emostream.db") as database:
        rows = database.execute("SELECT camera, count(*), sum(faces) FROM frames GROUP BY camera").fetchall()
        windows = database.execute("SELECT count(*) FROM windows WHERE says <> ''").fetchone()
    assert {camera for camera, _, _ in rows} == {"living-room", "kitchen"}
    assert all(frames > 10 and faces > 0 for _, frames, faces in rows)
    assert windows[0] > 0


@pytest.mark.skipif(not ALL, reason="`make tutorials` runs those that start a system of their own")
@pytest.mark.xdist_group("demo")
@pytest.mark.timeout(280)
@pytest.mark.parametrize("page", ALONE)
def test_a_tutorial_that_starts_anew(reader: Reader, page: str) -> None:
    reader.follow(page)
