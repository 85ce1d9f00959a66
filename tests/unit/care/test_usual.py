"""What stands out: only with enough seen, and only beyond how much days differ anyway."""

from __future__ import annotations

import pytest

from pipeline.care.day import Part
from pipeline.care.figures import Figures
from pipeline.care.timeline import Shows
from pipeline.care.usual import Figured, Finding, Measure, compare
from pipeline.messages import LABELS

HOUR = 3600.0


def figures(sad: float = 0.05, readings: float = 1000, in_view: float = 0.5, seen: float = 1.0) -> Figures:
    """Six hours of neutral and some sad expressions."""
    told = {**dict.fromkeys(LABELS, 0.0), "sad": sad * readings, "neutral": (1 - sad) * readings}
    shows = {
        Shows.EXPRESSIONS: 6 * HOUR * seen * in_view,
        Shows.NOBODY: 6 * HOUR * seen * (1 - in_view),
        Shows.MISSING: 6 * HOUR * (1 - seen),
    }
    return Figures(6 * HOUR, 6 * HOUR * seen, 0, shows, {}, told)


def day(**morning: float) -> Figured:
    return {None: figures(**morning), Part.MORNING: figures(**morning)}


STEADY = [day(sad=sad) for sad in (0.05, 0.06, 0.05, 0.04)]


def found(today: Figured, before: list[Figured]) -> list[tuple[Measure, str | None, Part | None, bool]]:
    return [(each.measure, each.label, each.part, each.more) for each in compare(today, before).findings]


def test_a_day_like_the_others_has_no_finding() -> None:
    usual = compare(day(), STEADY)
    assert usual.findings == ()
    assert usual.days == 4
    assert usual.shares["sad"] == pytest.approx(0.05)


def test_what_there_is_more_of_is_told_and_not_what_follows_from_it() -> None:
    assert found(day(sad=0.4), STEADY) == [(Measure.EXPRESSION, "sad", None, True)]


def test_a_part_of_the_day_is_named_where_it_is_most_notable() -> None:
    today = {None: figures(sad=0.14), Part.MORNING: figures(sad=0.5)}
    assert found(today, STEADY) == [(Measure.EXPRESSION, "sad", Part.MORNING, True)]


def test_where_days_differ_much_a_large_difference_is_none() -> None:
    unsteady = [day(sad=sad) for sad in (0.02, 0.4, 0.1, 0.3)]
    assert found(day(sad=0.4), unsteady) == []


@pytest.mark.parametrize(
    ("today", "before"),
    [
        (day(sad=0.5), STEADY[:2]),  # too few days
        (day(sad=0.5, readings=50), STEADY),  # too few readings
        (day(sad=0.5), [day(readings=50)] * 5),
    ],
)
def test_with_too_little_known_nothing_is_said(today: Figured, before: list[Figured]) -> None:
    assert found(today, before) == []


def test_time_in_view_is_a_part_of_what_was_seen() -> None:
    assert found(day(in_view=0.9), STEADY) == [(Measure.IN_VIEW, None, None, True)]
    assert found(day(in_view=0.1), STEADY) == [(Measure.IN_VIEW, None, None, False)]
    assert found(day(in_view=0.5, seen=0.6), STEADY) == []
    assert found(day(in_view=0.9, seen=0.4), STEADY) == []  # too little seen to say


def test_a_part_that_is_not_over_is_not_compared() -> None:
    before = [{**each, Part.EVENING: figures(sad=0.9)} for each in STEADY]
    assert found(day(), before) == []


def test_a_day_of_which_too_little_was_read_is_not_told_as_usual() -> None:
    assert compare(day(), STEADY).told
    assert not compare(day(readings=50), STEADY).told


def test_usual_is_not_told_of_few_days() -> None:
    assert compare(day(), STEADY[:2]).shares == {}


def test_a_finding_tells_both_figures() -> None:
    [finding] = compare(day(sad=0.4), STEADY).findings
    assert finding == Finding(Measure.EXPRESSION, "sad", None, pytest.approx(0.4), pytest.approx(0.05))
