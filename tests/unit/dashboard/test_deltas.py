"""Open pages are told what is new, and no more."""

from __future__ import annotations

import random

from pipeline.dashboard import deltas
from pipeline.dashboard.deltas import Deltas


def test_only_what_differs_is_told_again() -> None:
    known = Deltas()
    known.update({"a": 1, "b": 1})
    first = known.since(0)
    assert (first.whole, first.changed) == (True, {"a": 1, "b": 1})
    known.update({"a": 1, "b": 2})
    assert known.since(first.version).changed == {"b": 2}
    known.update({"a": 1, "b": 2})
    assert known.version == first.version + 1


def test_what_is_gone_is_told_to_those_who_knew_it() -> None:
    known = Deltas()
    known.update({"a": 1})
    before = known.version
    known.update({})
    assert (known.since(before).gone, known.since(0).gone) == (["a"], [])
    known.update({"a": 1})
    assert (known.since(before).gone, known.since(before).changed) == ([], {"a": 1})


def test_whoever_is_far_behind_is_told_everything() -> None:
    known = Deltas()
    for number in range(deltas.GONE_VERSIONS + 5):
        known.update({"a": 1, "b": number})
    assert known.since(1).whole
    assert known.since(1).changed == {"a": 1, "b": number}


def test_a_page_that_hears_some_of_it_knows_all_of_it() -> None:
    rng = random.Random(3)
    known, version = Deltas(), 0
    page: dict[str, int] = {}
    for _ in range(500):
        now = {key: rng.randrange(3) for key in "abcdefgh" if rng.random() < 0.7}
        known.update(now)
        if rng.random() < 0.3:
            told = known.since(version)
            page = dict(told.changed) if told.whole else {**page, **told.changed}
            for key in told.gone:
                page.pop(key, None)
            version = told.version
            assert page == now
