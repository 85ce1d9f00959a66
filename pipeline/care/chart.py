"""The day as a picture, by the clock: expressions, how much was really seen, and what was to be seen. Pure.

Every row has its name beside it and a form of its own, so that nothing hangs on colour.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from pipeline.care.marks import Box, Chart, Ink, Line, Mark, Text, hatched
from pipeline.care.phrases import Phrases
from pipeline.care.stories import Story
from pipeline.care.summary import MISSING_SECONDS, DaySummary, Slot
from pipeline.care.telling import Page
from pipeline.care.timeline import IN_ORDER, Shows, Stretch, Why
from pipeline.care.usual import Measure
from pipeline.wording import duration, percent

WIDTH = 760.0
LEFT = 138.0
RIGHT = 648.0  # where the hours end and the figures begin
USUAL = 752.0
DAY = 700.0
SMALL = 10.0
ROW = 23.0
BAR = 18.0
LANE = 15.0
COVERAGE = 30.0
LEAST = 0.8  # width of what would be too narrow to be seen
SEEN_ENOUGH = 0.5


def chart(summary: DaySummary, page: Page) -> Chart:
    """As wide as WIDTH, as high as it takes."""
    drawing = _Drawing(summary, page)
    drawing.hours()
    drawing.alerts()
    drawing.expressions()
    drawing.coverage()
    drawing.lanes()
    grid = list(drawing.grid())
    return Chart(WIDTH, drawing.y + 4, page.phrases.chart, (*grid, *drawing.marks))


class _Drawing:
    """`y`: how far down it is drawn."""

    def __init__(self, summary: DaySummary, page: Page) -> None:
        self.summary = summary
        self.page = page
        self.phrases: Phrases = page.phrases
        self.times = summary.whole.in_minutes()
        self.marks: list[Mark] = []
        self.y = 16.0
        self._top = 20.0

    def x(self, at: dt.datetime) -> float:
        day = self.summary.day
        return LEFT + (RIGHT - LEFT) * (at - day.start).total_seconds() / day.seconds

    def hours(self) -> None:
        for at, text in self.summary.day.ticks():
            self.marks.append(Text(self.x(at), 12, text, SMALL, Ink.MUTED, "middle"))

    def grid(self) -> Iterator[Mark]:
        for at, _ in self.summary.day.ticks():
            yield Line(self.x(at), self._top, self.x(at), self.y, Ink.FAINT, 0.8)
        if self.summary.so_far:
            x = self.x(self.summary.until)
            yield Line(x, self._top, x, self.y, Ink.MUTED, 0.8, dashed=True)

    def alerts(self) -> None:
        """A bar from when it began to when it was over, with the number that it has in the list."""
        ends: list[float] = []  # of the bars so far, by lane
        for number, story in enumerate(self.summary.listed, 1):
            x1, x2 = self._extent(story)
            lane = next((index for index, end in enumerate(ends) if end < x1), len(ends))
            ends[lane : lane + 1] = [max(x2, x1 + 8) + 14]
            y = self.y + 10 + lane * LANE
            self.marks.append(Box(x1, y, max(x2 - x1, 2.0), 6, Ink.NOTED))
            self.marks.append(Text(max(x2, x1 + 2) + 3, y + 6.5, str(number), SMALL, Ink.NOTED, bold=True))
        if not ends:
            self.y += 6
        else:
            self._name(self.y + 17, self.phrases.alerts_row)
            self.y += 12 + len(ends) * LANE

    def _extent(self, story: Story) -> tuple[float, float]:
        start = max(story.since, self.summary.day.start)
        end = min(story.cleared or self.summary.until, self.summary.until)
        return self.x(start), max(self.x(start), self.x(end))

    def expressions(self) -> None:
        """For each expression, its part of the readings in every quarter of an hour."""
        self._heading(self.phrases.expressions_heading)
        self.marks.append(Text(DAY, self.y - 6, self.phrases.day_column, SMALL, Ink.MUTED, "end"))
        if self.summary.usual.shares:
            self.marks.append(Text(USUAL, self.y - 6, self.phrases.usual_column, SMALL, Ink.MUTED, "end"))
        for stretch in self.summary.stretches:
            if stretch.shows is Shows.MISSING and stretch.seconds >= MISSING_SECONDS:
                self.marks += self._absent(stretch, self.y, ROW * len(self.phrases.rows))
        noted = {found.label for found in self.summary.usual.findings if found.measure is Measure.EXPRESSION}
        for label, name in self.phrases.rows.items():
            self._expression(label, name, label in noted)
        self.y += 4

    def _absent(self, stretch: Stretch, top: float, height: float) -> Iterator[Mark]:
        """Where no bar means that nothing was seen."""
        x = self.x(stretch.start)
        width = self.x(stretch.end) - x
        yield Box(x, top, width, height, Ink.BAND)
        yield from hatched(x, top, width, height, Ink.HATCH)

    def _expression(self, label: str, name: str, noted: bool) -> None:
        base = self.y + BAR
        ink = Ink.NOTED if noted else Ink.FULL
        self._name(base - 4, name, bold=noted)
        self.marks.append(Line(LEFT, base, RIGHT, base, Ink.FAINT, 0.8))
        for slot in self.summary.slots:
            share = slot.figures.share(label)
            if share:
                self.marks.append(self._bar(slot, base - BAR * share, BAR * share, ink))
        share, usual = self.summary.whole.share(label), self.summary.usual.shares.get(label)
        if share is not None:
            self.marks.append(Text(DAY, base - 4, self._part(share), SMALL + 1, anchor="end", bold=noted))
        if usual is not None:
            self.marks.append(Text(USUAL, base - 4, self._part(usual), SMALL, Ink.MUTED, "end"))
        self.y += ROW

    def coverage(self) -> None:
        """What was really seen, filled; what was observed blind, hatched."""
        self.y += 8
        base = self.y + COVERAGE
        self._name(base - COVERAGE / 2 + 3, self.phrases.coverage_heading, bold=True)
        self.marks.append(Box(LEFT, self.y, self.x(self.summary.until) - LEFT, COVERAGE, Ink.BAND))
        for slot in self.summary.slots:
            seen, blind = (part / slot.figures.seconds for part in (slot.figures.seen, slot.figures.blind))
            if seen:
                self.marks.append(self._bar(slot, base - COVERAGE * seen, COVERAGE * seen, Ink.CALM, gap=0))
            if blind:
                bar = self._bar(slot, base - COVERAGE * (seen + blind), COVERAGE * blind, None, gap=0)
                self.marks += hatched(bar.x, bar.y, bar.width, bar.height, Ink.MUTED, falling=True)
        self.marks.append(Line(LEFT, base, RIGHT, base, Ink.MUTED, 0.8))
        whole = self.summary.whole
        self.marks.append(
            Text(DAY, base - COVERAGE / 2 + 3, self._part(whole.seen / whole.seconds), SMALL + 1, anchor="end")
        )
        self.y = base + 8

    def lanes(self) -> None:
        """A lane for each thing that was to be seen, and for each reason why nothing was."""
        self.y += 6
        self._heading(self.phrases.shows_heading)
        for shows in Shows:
            if shows is Shows.MISSING:
                for why in Why:
                    self._lane(shows, why, self._sentence(self.phrases.why[why]))
            else:
                self._lane(shows, None, self.phrases.shows[shows])

    def _lane(self, shows: Shows, why: Why | None, name: str) -> None:
        found = [each for each in self.summary.stretches if each.shows is shows and each.why is why]
        if not found:
            return
        middle = self.y + LANE / 2
        self._name(middle + 3.5, name)
        for stretch in found:
            self.marks += self._stretch(stretch, middle)
        seconds = self.times.missing[why] if why else self.times.shows[shows]
        self.marks.append(Text(USUAL, middle + 3.5, duration(self.page.language, seconds), SMALL, Ink.MUTED, "end"))
        self.y += LANE

    def _stretch(self, stretch: Stretch, middle: float) -> Iterator[Mark]:
        """Faces: a full block; nobody: a line; withheld: a frame; missing: hatched; as wanted: a dashed line."""
        x = self.x(stretch.start)
        width = max(self.x(stretch.end) - x, LEAST)
        top, height = middle - 4.5, 9.0
        match stretch.shows:
            case Shows.EXPRESSIONS:
                yield Box(x, top, width, height, Ink.FULL)
            case Shows.CALM:
                yield Box(x, middle - 2.5, width, 5, Ink.CALM)
            case Shows.NOBODY:
                yield Line(x, middle, x + width, middle, Ink.MUTED, 1.6)
            case Shows.UNREADABLE | Shows.WITHHELD:
                yield Box(x, middle - 3, width, 6, Ink.PAPER, Ink.FULL)
            case Shows.MISSING if stretch.why in IN_ORDER:
                yield Line(x, middle, x + width, middle, Ink.MUTED, 1.2, dashed=True)
            case _:
                yield Box(x, top, width, height, Ink.PAPER, Ink.NOTED)
                yield from hatched(x, top, width, height, Ink.NOTED, falling=stretch.why is Why.BLIND)

    def _heading(self, text: str) -> None:
        self.y += 16
        self._name(self.y - 6, text, bold=True)

    def _name(self, y: float, text: str, bold: bool = False) -> None:
        self.marks.append(Text(0, y, text, SMALL + 1, anchor="start", bold=bold))

    def _bar(self, slot: Slot, top: float, height: float, ink: Ink | None, gap: float = 0.6) -> Box:
        x = self.x(slot.start)
        return Box(x, top, max(self.x(slot.end) - x - gap, LEAST), height, ink)

    def _part(self, share: float) -> str:
        return percent(self.page.language, share)

    @staticmethod
    def _sentence(text: str) -> str:
        return text[:1].upper() + text[1:]
