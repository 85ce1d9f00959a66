"""What records of `rollouts` come to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pipeline.messages import Rollout, RolloutVerdict, Stage, headers_of
from pipeline.rollout.registry import fold
from tests.unit.rollout.rollouts import AT, rollout, sign


def record(message: Any, value: bytes | None = None) -> SimpleNamespace:
    """As kafka-python gives it."""
    return SimpleNamespace(
        topic="rollouts", partition=0, offset=0, timestamp=int(AT.timestamp() * 1000), key=message.key.encode(),
        value=message.encode() if value is None else value, headers=headers_of(message),
    )  # fmt: skip


def verdict(site: str = "site") -> RolloutVerdict:
    return RolloutVerdict(site=site, rollout_id=rollout().rollout_id, stage=Stage.CANARY, at=AT)


def test_the_last_of_each_counts() -> None:
    later = rollout(share=0.5)
    assert fold([record(rollout()), record(verdict()), record(later)], "site") == (later, verdict())


def test_those_of_others_and_broken_ones_are_passed_over() -> None:
    other = Rollout.model_validate({**rollout().model_dump(), "site": "other"})
    strangers = [record(other), record(verdict("other")), record(sign(0)), record(rollout(), b"{")]
    assert fold([record(rollout()), *strangers], "site") == (rollout(), None)
    assert fold([], "site") == (None, None)


def test_a_record_without_a_value_is_nothing() -> None:
    gone = record(rollout())
    gone.value = None
    assert fold([record(rollout()), gone], "site") == (rollout(), None)


def test_who_writes_late_undoes_nothing() -> None:
    back = verdict().model_copy(update={"stage": Stage.BACKED_OUT})
    assert fold([record(rollout()), record(back), record(verdict())], "site") == (rollout(), back)
    ended = rollout(ended=Stage.BACKED_OUT)
    wider = rollout(share=0.5)
    known = fold([record(ended), record(wider)], "site")
    assert known == (rollout(share=0.5, ended=Stage.BACKED_OUT), None)


def test_a_verdict_on_a_rollout_before_is_late() -> None:
    before = verdict().model_copy(update={"rollout_id": "f" * 16})
    assert fold([record(rollout()), record(verdict()), record(before)], "site") == (rollout(), verdict())


def test_a_new_rollout_begins_anew() -> None:
    back = verdict().model_copy(update={"stage": Stage.BACKED_OUT})
    new = rollout(rollout_id="f" * 16)
    later = verdict().model_copy(update={"rollout_id": new.rollout_id})
    assert fold([record(rollout()), record(back), record(new), record(later)], "site") == (new, later)
