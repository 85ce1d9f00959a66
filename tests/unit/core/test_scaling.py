"""Analyzers are added while frames wait and taken away when there is little to do; slowly, and never in a storm."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.analyze.status import Status
from pipeline.cluster.scaling import PAUSE_SECONDS, UP_SECONDS, Scaling, Seen

STEP = 5.0  # seconds from one look to the next


def run(scaling: Scaling, seconds: float, start: float = 1.0, begin: int = 1, **seen: object) -> list[int]:
    """How many there are to be at each look, where all that is seen stays so."""
    told = [begin]
    for look in range(int(seconds / STEP)):
        values = {"behind": 0.0, "busy": 0.0, "model_bound": False, **seen}
        told.append(scaling.wanted(Seen(told[-1], **values), start + look * STEP))  # type: ignore[arg-type]
    return told


def scaling(least: int = 1, most: int = 4) -> Scaling:
    return Scaling(least, most, behind=5, quiet=300)


def test_frames_that_wait_make_one_more_at_a_time() -> None:
    told = run(scaling(), 200, behind=20.0)
    assert max(told) == 4
    changes = [at for at, (before, after) in enumerate(pairwise(told)) if after != before]
    assert changes[0] * STEP >= UP_SECONDS
    assert all((b - a) * STEP >= PAUSE_SECONDS for a, b in pairwise(changes))


def test_a_model_that_is_slow_is_no_reason_for_more() -> None:
    assert set(run(scaling(), 600, behind=60.0, model_bound=True)) == {1}


def test_a_short_wait_is_no_reason() -> None:
    judge = scaling()
    assert judge.wanted(Seen(1, 9, 1, False), 1) == 1
    assert judge.wanted(Seen(1, 0, 1, False), 2) == 1
    assert judge.wanted(Seen(1, 9, 1, False), 6.5) == 1


def test_with_little_to_do_there_are_fewer_in_the_end() -> None:
    assert run(scaling(), 290, begin=4, busy=0.5)[-1] == 4
    assert run(scaling(), 3000, begin=4, busy=0.9)[-1] == 2  # one alone would be busier than it should be
    assert run(scaling(), 3000, begin=4, busy=0.1)[-1] == 1


def test_those_that_are_busy_stay() -> None:
    assert run(scaling(), 3000, begin=3, busy=1.5)[-1] == 3


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 8), st.booleans()), max_size=400), st.integers(1, 5))
def test_it_keeps_within_bounds_and_never_storms(looks: list[tuple[float, float, bool]], least: int) -> None:
    judge, analyzers, changed = scaling(least, 5), least, float("-inf")
    for number, (behind, busy, bound) in enumerate(looks):
        now = 1 + number * STEP
        wanted = judge.wanted(Seen(analyzers, behind, busy, bound), now)
        assert least <= wanted <= 5
        assert abs(wanted - analyzers) <= 1
        if wanted != analyzers:
            assert now - changed >= PAUSE_SECONDS
            analyzers, changed = wanted, now


def test_what_all_of_them_say_is_added_up() -> None:
    def said(cpu: float, behind: float, waiting: bool = False) -> Status:
        return Status(1, 1, 0, False, False, behind, cpu, waiting)

    seen = Seen.of([(said(10, 0), said(14, 2)), (said(0, 0), said(1, 7, True))], seconds=5)
    assert seen == Seen(2, 7, 1.0, True)
