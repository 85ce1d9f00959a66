"""What stands out against the days before. Pure.

Said only where enough was seen, then and now, and where the difference is large beside how much days differ anyway:
a report that finds something every day is not read for long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, pstdev

from pipeline.care.day import Part
from pipeline.care.figures import Figures
from pipeline.messages import LABELS

DAYS = 3  # that are needed to say what is usual
READINGS = 100.0  # of a time whose expressions are compared
JUDGED = 0.5  # part of a time of which it must be known whether there was a face
SHARE_FLOOR = 0.08  # least difference of a share that is told
VIEW_FLOOR = 0.10  # least difference of the time in view, as a part of what was seen
DEVIATIONS = 2.0
MOST = 3  # findings that are told

Figured = Mapping[Part | None, Figures]
"""A day's figures by its parts; None: the whole day."""


class Measure(StrEnum):
    EXPRESSION = "expression"  # part of the readings
    IN_VIEW = "in_view"  # part of what was seen, in which there was a face


@dataclass(frozen=True)
class Finding:
    """`value` and `usual`: parts from 0 to 1. `label`: of an expression. `part`: of the day; None: the whole of it."""

    measure: Measure
    label: str | None
    part: Part | None
    value: float
    usual: float

    @property
    def more(self) -> bool:
        return self.value > self.usual


@dataclass(frozen=True)
class Usual:
    """`days`: so many could be compared with; `shares`: usual part of the readings by label, none with too few days.

    `told`: whether enough was read on the day itself to be compared.
    """

    days: int
    told: bool
    shares: Mapping[str, float]
    findings: tuple[Finding, ...]


def compare(today: Figured, before: Sequence[Figured]) -> Usual:
    """The most notable findings: one of an expression for each part of the day, one of the time in view."""
    comparable = [day for day in before if _expression(day[None], LABELS[0]) is not None]
    shares = {}
    if len(comparable) >= DAYS:
        shares = {label: fmean(day[None].share(label) or 0.0 for day in comparable) for label in LABELS}
    found = [each for part in (None, *Part) if (each := _most_notable(today, before, part, LABELS)) is not None]
    in_view = [each for part in (None, *Part) if (each := _finding(today, before, part, None)) is not None]
    ranked = sorted([*_one_a_label(found), *sorted(in_view, key=_notable)[:1]], key=_notable)
    told = _expression(today[None], LABELS[0]) is not None
    return Usual(len(comparable), told, shares, tuple(finding for _, finding in ranked[:MOST]))


Ranked = tuple[float, Finding]
"""How notable a finding is: its difference over the least one that is told."""


def _notable(ranked: Ranked) -> tuple[bool, float]:
    """To sort by: what there is more of comes first, as shares add up to one, and what is less follows from it."""
    return not ranked[1].more, -ranked[0]


def _most_notable(today: Figured, before: Sequence[Figured], part: Part | None, labels: Iterable[str]) -> Ranked | None:
    found = [each for label in labels if (each := _finding(today, before, part, label)) is not None]
    return min(found, key=_notable, default=None)


def _one_a_label(found: Iterable[Ranked]) -> Iterator[Ranked]:
    """Of each expression, only where it is most notable."""
    labels: set[str | None] = set()
    for ranked in sorted(found, key=_notable):
        if ranked[1].label not in labels:
            labels.add(ranked[1].label)
            yield ranked


def _finding(today: Figured, before: Sequence[Figured], part: Part | None, label: str | None) -> Ranked | None:
    if part not in today:
        return None
    value = _value(today[part], label)
    known = [known for day in before if part in day and (known := _value(day[part], label)) is not None]
    if value is None or len(known) < DAYS:
        return None
    usual, floor = fmean(known), SHARE_FLOOR if label else VIEW_FLOOR
    limit = max(floor, DEVIATIONS * pstdev(known))
    if abs(value - usual) < limit:
        return None
    measure = Measure.EXPRESSION if label else Measure.IN_VIEW
    return abs(value - usual) / limit, Finding(measure, label, part, value, usual)


def _value(figures: Figures, label: str | None) -> float | None:
    return _in_view(figures) if label is None else _expression(figures, label)


def _expression(figures: Figures, label: str) -> float | None:
    return figures.share(label) if figures.readings >= READINGS else None


def _in_view(figures: Figures) -> float | None:
    if not figures.judged or figures.judged < JUDGED * figures.seconds:
        return None
    return figures.with_faces / figures.judged
