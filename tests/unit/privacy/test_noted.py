"""Notes beside committed offsets, and what is done with notes that are none of ours."""

from __future__ import annotations

import pytest

from pipeline.analyze.held import Held
from pipeline.kafka.noted import note, noted


def test_a_note_is_read_back() -> None:
    assert [noted(note(each)) for each in (None, 0, 7, 10**12)] == [None, 0, 7, 10**12]


@pytest.mark.parametrize("text", ["", "from=", "from=-1", "from=x", "from=٣", "7", "made by another release"])
def test_what_is_no_note_says_nothing(text: str) -> None:
    assert noted(text) is None


def test_records_before_the_committed_one_are_read_for_their_faces_alone() -> None:
    held = Held(20, [], lambda key: None, 12)  # type: ignore[arg-type, return-value]
    assert [offset for offset in range(30) if held.told(offset)] == list(range(12, 20))
    for offset in range(12, 22):
        held.log.read(offset).finish(list)
    committed = []
    for _ in held.log.ready():
        committed.append(held.to_commit)
    assert committed == [None] * 8 + [21, 22]


@pytest.mark.parametrize(("start", "again"), [(None, None), (20, None), (20, 20), (0, 0)])
def test_without_a_note_nothing_is_read_again(start: int | None, again: int | None) -> None:
    held = Held(start, [], lambda key: None, again)  # type: ignore[arg-type, return-value]
    assert not any(held.told(offset) for offset in range(40))
