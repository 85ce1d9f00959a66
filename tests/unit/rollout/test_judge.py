"""When a new version goes on, and when it goes back: figures in, verdict out."""

from __future__ import annotations

import random
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.messages import Rollout, RolloutVerdict, Stage
from pipeline.rollout.judge import Judge, Tally, waits
from tests.unit.rollout.rollouts import after, rollout, sign

GOOD = {"asked": 200, "live_asked": 200, "compared": 2000, "label_changes": 40, "distance": 100.0}
CANARY = RolloutVerdict(site="site", rollout_id=rollout().rollout_id, stage=Stage.CANARY, at=after(60))


def judged(
    *signs: object, of: Rollout | None = None, before: RolloutVerdict | None = None, now: datetime | None = None
) -> RolloutVerdict | None:
    judge = Judge()
    for each in signs:
        judge.add(each, each.at)  # type: ignore[arg-type]
    return judge.verdict(of or rollout(), before, now or after(100))


def test_what_is_within_bounds_on_enough_faces_goes_on_when_its_time_has_come() -> None:
    good = judged(sign(90, **GOOD))
    assert good is not None
    assert good.stage is Stage.CANARY
    assert "2000 faces" in good.reason
    assert judged(sign(50, **GOOD), now=after(50)) is None
    assert judged(sign(90, **{**GOOD, "compared": 999})) is None


def test_analyzers_count_together_and_one_that_was_started_again_counts_on() -> None:
    most = {name: value * 2 / 5 for name, value in GOOD.items()}
    first, second = sign(40, "0", **most), sign(90, "0", began=60, **most)
    assert judged(first, second) is not None
    assert judged(first, sign(90, "1", **most)) is not None
    assert judged(first, sign(80, "0", **most)) is None


def test_failing_requests_take_it_back() -> None:
    found = judged(sign(30, asked=25, failed=25, live_asked=25), now=after(30))
    assert found is not None
    assert (found.stage, found.metric) == (Stage.BACKED_OUT, "failures")
    assert "failed requests 100.0% of 25, allowed are 2.0%" in found.reason


def test_a_server_that_fails_for_both_says_nothing_of_the_version() -> None:
    assert judged(sign(30, asked=100, failed=60, live_asked=100, live_failed=60), now=after(30)) is None


def test_few_requests_say_nothing() -> None:
    assert judged(sign(30, asked=19, failed=19, live_asked=19), now=after(30)) is None


def test_other_expressions_and_other_scores_take_it_back() -> None:
    for metric, figures in (("label_changes", {"label_changes": 300}), ("distance", {"distance": 300.0})):
        found = judged(sign(30, compared=1000, **figures), now=after(30))
        assert found is not None
        assert (found.stage, found.metric) == (Stage.BACKED_OUT, metric)


def test_what_is_not_sure_yet_waits() -> None:
    doubtful = sign(90, asked=100, live_asked=100, compared=1100, label_changes=170)
    judge = Judge()
    judge.add(doubtful, doubtful.at)
    assert judge.verdict(rollout(), None, after(100)) is None
    assert "to be sure" in waits(rollout(), Stage.SHADOW, judge.whole(rollout(), Stage.SHADOW), after(100))


def test_what_begins_to_fail_late_is_seen_in_the_last_minutes() -> None:
    well = {"asked": 100_000, "live_asked": 100_000, "compared": 10}
    worse = {**well, "asked": 100_060, "live_asked": 100_060, "failed": 40}
    signs = [sign(at, stage=Stage.CANARY, **well) for at in range(100, 1000, 5)]
    assert judged(*signs, before=CANARY, now=after(1000)) is None
    found = judged(*signs, sign(1000, stage=Stage.CANARY, **worse), before=CANARY, now=after(1000))
    assert found is not None
    assert found.metric == "failures"


def test_an_analyzer_whose_clock_is_wrong_is_judged_by_kafkas() -> None:
    well = {"asked": 100_000, "live_asked": 100_000, "compared": 10}
    worse = {**well, "asked": 100_060, "live_asked": 100_060, "failed": 40}
    for off in (-3600, 3600):
        judge = Judge()
        for at in range(100, 1000, 5):
            judge.add(sign(at + off, stage=Stage.CANARY, **well), after(at))
        judge.add(sign(1000 + off, stage=Stage.CANARY, **worse), after(1000))
        found = judge.verdict(rollout(), CANARY, after(1000))
        assert found is not None
        assert found.metric == "failures"


def test_only_analyzers_are_heard() -> None:
    bad = sign(30, asked=25, failed=25, live_asked=25)
    assert judged(bad.model_copy(update={"role": "capture"}), now=after(30)) is None


def test_figures_beyond_all_bounds_are_no_record() -> None:
    with pytest.raises(ValidationError):
        sign(30, asked=10**400)
    with pytest.raises(ValidationError):
        sign(30, distance=1e300)


def test_a_canary_is_judged_by_its_own_figures_alone() -> None:
    shadow = sign(50, asked=100, failed=100, live_asked=100)
    assert judged(shadow, before=CANARY) is None
    assert judged(shadow, sign(90, "1", Stage.CANARY, **GOOD), before=CANARY) is None  # people finish it


def test_what_is_over_is_judged_no_more() -> None:
    bad = sign(90, asked=100, failed=100, live_asked=100)
    assert judged(bad, of=rollout(ended=Stage.BACKED_OUT)) is None
    assert judged(bad, of=rollout(rollout_id="f" * 16)) is None


@given(st.permutations(range(6)), st.integers(0, 2**32))
def test_the_order_in_which_analyzers_speak_is_nothing(order: list[int], seed: int) -> None:
    chance = random.Random(seed)
    signs = [
        sign(60 + place, str(place), asked=chance.randrange(50), failed=chance.randrange(10), live_asked=50)
        for place in range(6)
    ]
    assert judged(*signs) == judged(*(signs[place] for place in order))


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_a_good_version_is_never_taken_back_by_what_is_within_bounds(changes: int, failed: int) -> None:
    kept = sign(90, asked=2000, failed=failed // 51, live_asked=2000, compared=2000, label_changes=changes // 7)
    found = judged(kept)
    assert found is None or found.stage is Stage.CANARY


def test_tallies_add_up() -> None:
    one = Tally(asked=3, distance=0.5)
    assert Tally.of([one, one]) - one == one
