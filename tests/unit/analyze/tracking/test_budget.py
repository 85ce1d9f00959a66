import math
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analyze.tracking.budget import NEW, Budget, Candidate, Policy, View
from pipeline.bench.scenes import START
from pipeline.messages import Box, Face, Quality

STILL = View(100, 100, 40, 0, 0.8)
ALL = Policy()


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def faces(n: int, view: View = STILL, doubtful: bool = False) -> list[Candidate]:
    return [Candidate(f"{k}", view, doubtful) for k in range(n)]


def read_at(budget: Budget, candidate: Candidate, since: float, until: float, fps: float = 20) -> list[float]:
    """When it is read."""
    moments = [since + k / fps for k in range(round((until - since) * fps))]
    return [moment for moment in moments if budget.choose([candidate], at(moment)) == [True]]


def test_a_face_is_read_when_it_is_new_and_when_it_is_due() -> None:
    assert read_at(Budget(ALL), faces(1)[0], 0, 4) == pytest.approx([0, 1, 2, 3])


def test_a_doubtful_expression_is_read_sooner() -> None:
    assert read_at(Budget(ALL), faces(1, doubtful=True)[0], 0, 1) == pytest.approx([0, 0.25, 0.5, 0.75])


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"x": 130}, False), ({"x": 150}, True), ({"y": 50}, True), ({"size": 50}, False), ({"size": 60}, True),
        ({"size": 25}, True), ({"yaw": 10}, False), ({"yaw": -20}, True), ({"sharpness": 1.0}, True),
        ({"sharpness": 0.5}, False), ({"yaw": math.nan}, False), ({"sharpness": math.nan}, False),
    ],
)  # fmt: skip
def test_a_changed_face_is_read_sooner(change: dict[str, float], differs: bool) -> None:
    budget, (candidate,) = Budget(ALL), faces(1)
    assert budget.choose([candidate], at(0)) == [True]
    assert budget.choose([replace(candidate, view=replace(STILL, **change))], at(0.5)) == [differs]


def test_without_a_hold_every_face_is_read_in_every_frame() -> None:
    budget = Budget(Policy(hold=0))
    for frame in range(5):
        assert budget.choose(faces(8), at(frame / 25)) == [True] * 8


def test_a_level_bounds_what_is_read_for_as_long_as_it_is_there() -> None:
    budget = Budget(Policy(hold=0.1))
    counts = [sum(budget.choose(faces(8), at(k), level=level)) for k, level in enumerate([2, 2, 3, math.inf])]
    assert counts == [2, 2, 3, 8]
    assert sum(Budget(Policy(hold=0)).choose(faces(8), at(0), level=1)) == 8


def test_a_face_without_a_track_is_read_while_there_is_budget() -> None:
    budget = Budget(Policy(per_second=4))
    doubtful = Candidate(None, STILL)
    assert budget.choose([doubtful, *faces(3)], at(0)) == [True] * 4
    assert budget.choose([doubtful], at(0)) == [False]


def test_new_faces_come_first() -> None:
    budget = Budget(Policy(per_second=2))
    budget.choose(faces(2), at(0))
    assert budget.choose([*faces(2), Candidate("new", STILL)], at(0.5)) == [False, False, True]
    assert budget.choose([*faces(2), Candidate("new", STILL)], at(1.5)) == [True, True, False]


def test_what_the_model_failed_on_was_not_read() -> None:
    budget = Budget(ALL)
    budget.choose(faces(1), at(0))
    budget.unread("0")
    budget.unread("never seen")
    assert budget.choose(faces(1), at(0.1)) == [True]


@pytest.mark.parametrize("rate", [0.5, 3, 20])
def test_no_more_is_read_than_the_budget_says(rate: float) -> None:
    budget = Budget(Policy(per_second=rate, hold=0))
    read = [sum(budget.choose(faces(30), at(frame / 10))) for frame in range(600)]
    assert sum(read) <= rate * 60 + max(1, rate)
    assert sum(read) >= rate * 60 - 1


def test_a_clock_set_back_stops_nothing() -> None:
    budget, (candidate,) = Budget(Policy(per_second=2)), faces(1)
    budget.choose([candidate], at(3600))
    assert read_at(budget, candidate, 0, 3, fps=4) == [1, 2]


def test_faces_are_forgotten() -> None:
    budget = Budget(ALL)
    for second in range(1000):
        budget.choose([Candidate(f"{second}", STILL)], at(second))
    assert len(budget._tracks) < 40


def crowd(rng: random.Random, seconds: float) -> Iterator[tuple[float, list[Candidate]]]:
    """Some who stay, some of them always changed or in doubt; strangers who come for one frame or some, and go."""
    stay, strangers, fps = rng.randrange(1, 8), rng.randrange(0, 6), rng.choice([1, 2, 7, 25])
    restless = [rng.random() < 0.5 for _ in range(stay)]
    churn, now, given = rng.random(), 0.0, 0
    guests: list[str] = []
    backwards = rng.random() < 0.5
    while now < seconds:
        guests = [guest for guest in guests if rng.random() > churn]
        while len(guests) < strangers:
            guests.append(f"guest {given}")
            given += 1
        here = [
            Candidate(f"{k}", replace(STILL, x=rng.uniform(0, 600)) if moves else STILL, moves)
            for k, moves in enumerate(restless)
        ]
        here += [Candidate(guest, STILL) for guest in guests]
        here.sort(key=lambda face: (face.track or "") < "g", reverse=backwards)
        yield now, here
        now += rng.uniform(0.5, 1) / fps


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.2, 1.0, 3.0]), st.sampled_from([4.0, 15.0, 60.0, math.inf]))
def test_nobody_starves(seed: int, hold: float, rate: float) -> None:
    policy = Policy(per_second=rate, hold=hold)
    budget, rng = Budget(policy), random.Random(seed)
    most = 12  # faces of a frame
    bound = policy.bound(most, 1.0)
    read: dict[str, float] = {}
    for now, here in crowd(rng, min(120, 2.5 * bound)):
        for face, chosen in zip(here, budget.choose(here, at(now)), strict=True):
            assert face.track is not None
            if chosen:
                read[face.track] = now
            assert now - read.setdefault(face.track, now) <= bound


def test_strangers_do_not_keep_others_from_being_read() -> None:
    """As many new faces in every frame as are read in it."""
    policy = Policy(per_second=10)
    budget, read = Budget(policy), []
    for frame in range(600):
        here = [Candidate(f"guest {frame} {k}", STILL) for k in range(3)]
        chosen = budget.choose([*here, Candidate("stays", STILL)], at(frame / 10))
        read += [frame / 10] if chosen[-1] else []
    gaps = [b - a for a, b in pairwise(read)]
    assert max(gaps) <= NEW * policy.hold + 0.2


def test_how_a_face_looks() -> None:
    face = Face(
        bbox=Box(x=0.25, y=0.5, width=0.1, height=0.1), detection_confidence=0.9,
        quality=Quality(size_px=48, yaw=12.5),
    )  # fmt: skip
    view = View.of(face, 640, 480)
    assert (view.x, view.y, view.yaw) == (192, 264, 12.5)
    assert view.size == pytest.approx(math.sqrt(64 * 48))
    assert math.isnan(view.sharpness)
