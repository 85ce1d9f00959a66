"""Several model servers as one: who is asked, and who is left to rest."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.classify.classifier import Crop, CropSpec, Scored
from pipeline.classify.spread import REST_SECONDS, Spread
from pipeline.errors import ClassifierUnavailable
from pipeline.messages import ModelRef

CROP = [np.zeros((48, 48), np.uint8)]


class Server:
    """One that answers while it is `well`, after `gate` has opened."""

    model = ModelRef(name="even")
    crop = CropSpec()
    abstain_below = 0.0

    def __init__(self) -> None:
        self.well = True
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()
        self.closed = False

    def classify(self, crops: Sequence[Crop]) -> Scored:
        self.asked += 1
        assert self.gate.wait(30)
        if not self.well:
            raise ClassifierUnavailable("down")
        return Scored(np.full((len(crops), 7), 1 / 7, np.float32))

    def close(self) -> None:
        self.closed = True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def spread(count: int) -> tuple[Spread, list[Server], Clock]:
    servers, clock = [Server() for _ in range(count)], Clock()
    return Spread({f"server-{n}:7070": server for n, server in enumerate(servers)}, clock), servers, clock


def test_work_is_shared() -> None:
    both, servers, _ = spread(3)
    for _ in range(30):
        both.classify(CROP)
    assert [server.asked for server in servers] == [10, 10, 10]


def test_a_slow_one_is_asked_less() -> None:
    both, (slow, quick), _ = spread(2)
    slow.gate.clear()
    waiting = [threading.Thread(target=both.classify, args=(CROP,)) for _ in range(2)]
    for thread in waiting:
        thread.start()
    while slow.asked + quick.asked < 2:
        threading.Event().wait(0.001)
    for _ in range(10):
        both.classify(CROP)
    assert slow.asked == 1
    slow.gate.set()
    for thread in waiting:
        thread.join()


def test_one_that_failed_rests_and_nothing_is_lost() -> None:
    both, (sick, well), clock = spread(2)
    sick.well = False
    for _ in range(20):
        assert not both.classify(CROP).errors
    assert sick.asked == 1
    assert well.asked == 20
    clock.now += REST_SECONDS[0]
    sick.well = True
    for _ in range(20):
        both.classify(CROP)
    assert sick.asked > 5


def test_rests_grow_and_end() -> None:
    both, (sick, _), clock = spread(2)
    sick.well = False
    asked_at = []
    for _ in range(400):
        before = sick.asked
        both.classify(CROP)
        if sick.asked > before:
            asked_at.append(clock.now)
        clock.now += 0.5
    rests = [b - a for a, b in pairwise(asked_at)]
    assert rests == sorted(rests)
    assert max(rests) <= REST_SECONDS[1] + 0.5


def test_one_that_rested_is_tried_with_one_request() -> None:
    both, (sick, well), clock = spread(2)
    sick.well = False
    both.classify(CROP)
    both.classify(CROP)
    clock.now += REST_SECONDS[0]
    sick.gate.clear()
    trying = threading.Thread(target=both.classify, args=(CROP,))
    before = sick.asked
    trying.start()
    while sick.asked == before and well.asked < 3:
        threading.Event().wait(0.001)
    for _ in range(5):
        both.classify(CROP)
    assert sick.asked <= before + 1
    sick.gate.set()
    trying.join()


def test_when_all_have_failed_the_reasons_are_told() -> None:
    both, servers, _ = spread(2)
    for server in servers:
        server.well = False
    with pytest.raises(ClassifierUnavailable, match=r"server-0:7070: down; server-1:7070: down"):
        both.classify(CROP)
    with pytest.raises(ClassifierUnavailable, match="rest"):
        both.classify(CROP)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.floats(0, 40)), max_size=60))
def test_a_request_fails_only_when_no_server_could_be_asked(events: list[tuple[int, bool, float]]) -> None:
    """And once all are well, all of them work again after the longest rest."""
    all_three, servers, clock = spread(3)
    for which, well, pause in events:
        servers[which].well = well
        clock.now += pause
        before = [server.asked for server in servers]
        try:
            all_three.classify(CROP)
        except ClassifierUnavailable:
            asked = [server for server, count in zip(servers, before, strict=True) if server.asked > count]
            assert not any(server.well for server in asked)
    clock.now += REST_SECONDS[1]
    for server in servers:
        server.well, server.asked = True, 0
    for _ in range(9):
        all_three.classify(CROP)
    assert all(server.asked for server in servers)


def test_all_are_closed() -> None:
    both, servers, _ = spread(2)
    both.close()
    assert all(server.closed for server in servers)
