"""The state behind the live view."""

from __future__ import annotations

from pipeline.console.board import Board
from tests.records import observed


def test_the_rate_is_that_of_the_last_seconds_however_fast() -> None:
    board = Board()
    for seq in range(4000):
        board.add(observed(seq, 0), now=seq / 400)
    row = board.rows["cam"]
    assert row.rate(10.0) == 400
    assert row.rate(12.5) == 200
    assert row.rate(20.0) == 0
    assert len(row.recent) == 0
