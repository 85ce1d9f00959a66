"""How far a rollout is, whoever says so in whatever order, and which cameras are its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.messages import Rollout, RolloutVerdict, Stage
from pipeline.rollout.stages import WrongStage, check_start, draw_id, ended, is_canary, least, stage_of
from tests.unit.rollout.rollouts import AT, LIVE, NEXT, rollout, served

NOTHING = (None, None)
CAMERAS = [f"site/room-{number}" for number in range(400)]


def verdict(stage: Stage, of: Rollout | None = None) -> RolloutVerdict:
    told = {"site": "site", "rollout_id": (of or rollout()).rollout_id, "stage": stage, "at": AT}
    return RolloutVerdict.model_validate(told)


def test_it_begins_as_a_shadow_and_goes_on_by_a_verdict_of_its_own() -> None:
    assert stage_of(rollout(), None) is Stage.SHADOW
    assert stage_of(rollout(), verdict(Stage.CANARY)) is Stage.CANARY
    assert stage_of(rollout(rollout_id="f" * 16), verdict(Stage.CANARY)) is Stage.SHADOW
    assert stage_of(rollout(ended=Stage.FINISHED), verdict(Stage.CANARY)) is Stage.FINISHED


@pytest.mark.parametrize("ends", [None, Stage.FINISHED, Stage.BACKED_OUT])
def test_who_takes_it_back_wins(ends: Stage | None) -> None:
    assert stage_of(rollout(ended=ends), verdict(Stage.BACKED_OUT)) is Stage.BACKED_OUT
    assert stage_of(rollout(ended=Stage.BACKED_OUT), verdict(Stage.CANARY)) is Stage.BACKED_OUT


@given(st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_camera_stays_where_it_is_as_the_share_grows(one: float, other: float) -> None:
    small, large = (
        {camera for camera in CAMERAS if is_canary(rollout(share=share), camera)} for share in sorted((one, other))
    )
    assert small <= large


def test_about_the_share_is_chosen_and_others_by_another_rollout() -> None:
    chosen = {camera for camera in CAMERAS if is_canary(rollout(), camera)}
    again = {camera for camera in CAMERAS if is_canary(rollout(rollout_id="f" * 16), camera)}
    assert 70 < len(chosen) < 130
    assert chosen != again
    assert all(is_canary(rollout(share=1), camera) for camera in CAMERAS)


@pytest.mark.parametrize(("cameras", "share", "wanted"), [(4, 0.1, 1), (1, 0.01, 1), (40, 0.25, 10)])
def test_an_id_is_drawn_by_which_some_cameras_are_chosen(cameras: int, share: float, wanted: int) -> None:
    drawn = draw_id(CAMERAS[:cameras], share)
    chosen = [each for each in CAMERAS[:cameras] if is_canary(rollout(rollout_id=drawn, share=share), each)]
    assert abs(len(chosen) - wanted) <= wanted // 5


def test_a_model_of_other_crops_or_the_same_one_is_refused() -> None:
    live = served(LIVE)
    check_start(live, served(), NOTHING)
    for candidate, said in (
        (served(size=64), "its size: 64, not 48"),
        (served(color="bgr"), "its color"),
        (served(labels=["calm"]), "its labels"),
        (live, "the model of the settings already"),
    ):
        with pytest.raises(UsageError, match=said):
            check_start(live, candidate, NOTHING)


def test_one_at_a_time_and_the_settings_follow() -> None:
    third, fourth = (served(NEXT.model_copy(update={"version": number})) for number in "34")
    canary = verdict(Stage.CANARY)
    finished, back = rollout(ended=Stage.FINISHED), rollout(ended=Stage.BACKED_OUT)
    for decided in (None, canary):
        with pytest.raises(WrongStage, match="under way"):
            check_start(served(LIVE), third, (rollout(), decided))
    with pytest.raises(WrongStage, match="the settings still name emonext 1"):
        check_start(served(LIVE), third, (finished, canary))
    check_start(served(NEXT), third, (finished, canary))
    check_start(third, fourth, (finished, canary))  # the settings went on without a rollout
    check_start(served(LIVE), third, (back, canary))


def test_what_is_over_is_not_ended_again() -> None:
    assert ended(rollout(), verdict(Stage.CANARY), Stage.FINISHED) == rollout(ended=Stage.FINISHED)
    assert ended(rollout(ended=Stage.FINISHED), None, Stage.BACKED_OUT).ended is Stage.BACKED_OUT
    for before, decided, how in (
        (None, None, Stage.BACKED_OUT),
        (rollout(), None, Stage.FINISHED),
        (rollout(), verdict(Stage.BACKED_OUT), Stage.FINISHED),
        (rollout(ended=Stage.FINISHED), None, Stage.FINISHED),
        (rollout(ended=Stage.BACKED_OUT), None, Stage.BACKED_OUT),
    ):
        with pytest.raises(WrongStage):
            ended(before, decided, how)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_least_share_is_below_the_share_and_rises_with_evidence(counted: tuple[int, int]) -> None:
    count, n = counted
    assert 0 <= least(count, n) <= count / n + 1e-12
    assert least(count, n) <= least(10 * count, 10 * n) + 1e-12
