"""A day in words: what the page and the PDF show, but for the chart. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.care.phrases import PHRASES, Phrases
from pipeline.care.stories import Deed, Story
from pipeline.care.summary import DaySummary
from pipeline.care.timeline import IN_ORDER, Shows, Stretch, Why
from pipeline.care.usual import Finding
from pipeline.settings import NO_DATA
from pipeline.wording import Language, clock, date, duration, listed, percent

MOST = 0.5  # of the readings: "mostly"
WORTH_NAMING = 0.05  # an expression with fewer is not named in the paragraph
NAMED = 3
ALL = 0.9995  # of a day: all of it
PAUSED_BY = "paused by "  # what capture says of it
ROWS = 6  # of a list; what is more is told as a sum


@dataclass(frozen=True)
class Row:
    """A line of a list: when, what, for how long. `ordered`: of what is missing, whether it was meant to be."""

    when: str
    what: str
    long: str = ""
    ordered: bool | None = None


@dataclass(frozen=True)
class AlertText:
    number: str
    title: str
    severity: str
    when: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """All texts of a report, in one language."""

    language: Language
    phrases: Phrases
    title: str
    date: str
    head: str
    paragraph: tuple[str, ...]
    alerts: tuple[AlertText, ...]
    more_alerts: str
    quiet: tuple[Row, ...]
    missing: tuple[Row, ...]
    deeds: tuple[Row, ...]
    notes: tuple[str, ...]
    made: str


def page(summary: DaySummary, language: Language, made: dt.datetime, version: str) -> Page:
    """`made`: when the report is."""
    say = _Say(summary, language)
    phrases, day = say.phrases, summary.day
    day_text = date(language, day.date)
    if summary.so_far:
        day_text += f" ({phrases.so_far.format(time=day.clock(summary.until))})"
    local = made.astimezone(day.zone)
    made_text = phrases.made.format(time=f"{date(language, local.date())}, {clock(local)}", version=version)
    return Page(
        language=language,
        phrases=phrases,
        title=summary.place.id,
        date=day_text,
        head=phrases.head.format(site=summary.place.site, zone=day.zone.key),
        paragraph=tuple(say.paragraph()),
        alerts=tuple(say.alert(number, story) for number, story in enumerate(summary.listed, 1)),
        more_alerts=say.more_alerts(),
        quiet=say.longest([say.quiet(stretch) for stretch in summary.quiet], summary.quiet),
        missing=say.longest([say.missing(stretch) for stretch in summary.missing], summary.missing),
        deeds=tuple(say.deed(deed) for deed in summary.deeds),
        notes=tuple(say.notes()),
        made=made_text,
    )


class _Say:
    """The sentences, as the language puts them."""

    def __init__(self, summary: DaySummary, language: Language) -> None:
        self.summary = summary
        self.language = language
        self.phrases = PHRASES[language]
        self.times = summary.whole.in_minutes()  # what is told of them adds up

    def paragraph(self) -> Iterator[str]:
        yield from self._shown()
        yield from self._outstanding()
        yield from self._alerts()
        yield from self._covered()

    def _shown(self) -> Iterator[str]:
        """What was to be seen."""
        say, whole = self.phrases, self.times
        read = sum(whole.shows.get(kind, 0.0) for kind in (Shows.EXPRESSIONS, Shows.CALM))
        if read:
            yield say.read.format(time=self._long(read))
            yield say.expression.format(list=self._expressions())
        elif not whole.shows.get(Shows.WITHHELD):
            yield say.nothing_read
        if whole.shows.get(Shows.NOBODY):
            yield say.nobody.format(time=self._long(whole.shows[Shows.NOBODY]))
        if whole.shows.get(Shows.WITHHELD):
            yield say.withheld.format(time=self._long(whole.shows[Shows.WITHHELD]))

    def _expressions(self) -> str:
        say, whole = self.phrases, self.summary.whole
        ranked = sorted(say.adjectives, key=lambda label: -(whole.share(label) or 0.0))
        shares = [(say.adjectives[label], whole.share(label) or 0.0) for label in ranked]
        (label, share), *others = shares
        first = (say.mostly if share >= MOST else say.most_often).format(label=label, share=self._part(share))
        more = [
            say.also.format(label=label, share=self._part(share))
            for label, share in others[: NAMED - 1]
            if share >= WORTH_NAMING
        ]
        return say.then.format(first=first, others=listed(self.language, more)) if more else first

    def _outstanding(self) -> Iterator[str]:
        usual = self.summary.usual
        yield from map(self._finding, usual.findings)
        if not usual.shares:
            yield self.phrases.usual_unknown
        elif not usual.told:
            yield self.phrases.too_little
        elif not usual.findings:
            yield self.phrases.nothing_stands_out.format(days=usual.days)

    def _finding(self, finding: Finding) -> str:
        template = self.phrases.finding[finding.measure, finding.more]
        return template.format(
            part=self.phrases.parts[finding.part],
            label=self.phrases.adjectives.get(finding.label or ""),
            value=self._part(finding.value),
            usual=self._part(finding.usual),
        )

    def _alerts(self) -> Iterator[str]:
        say, stories = self.phrases, self.summary.stories
        unhandled = sum(story.acknowledged is None for story in stories)
        standing = sum(story.stands for story in stories)
        if not stories:
            yield say.no_alert
        elif len(stories) == 1:
            [story] = stories
            handled = say.not_handled if unhandled else self._acknowledged(say.handled, story)
            yield say.one_alert.format(alert=self._alert_at(story), handled=handled)
        else:
            handled = _counted(say.some_not_handled, unhandled) if unhandled else say.all_handled
            if unhandled == len(stories):
                handled = say.none_handled
            named = [*map(self._alert_at, self.summary.gravest(NAMED)), *["…"] * (len(stories) > NAMED)]
            yield say.alerts.format(count=len(stories), list=", ".join(named), handled=handled)
        if standing:
            yield _counted(say.still_stand, standing) if len(stories) > 1 else say.stands

    def more_alerts(self) -> str:
        """That some are not listed."""
        left = len(self.summary.stories) - len(self.summary.listed)
        return _counted(self.phrases.more_alerts, left) if left else ""

    def _title(self, story: Story) -> str:
        return self.phrases.no_data if story.rule == NO_DATA else story.title

    def _alert_at(self, story: Story) -> str:
        return self.phrases.alert_at.format(title=self._title(story), time=self._clock(story.raised))

    def _covered(self) -> Iterator[str]:
        say, whole = self.phrases, self.times
        share = self.summary.whole.seen / self.summary.whole.seconds
        if share >= ALL and not self.summary.so_far:
            yield say.all_seen
        else:
            yield say.seen.format(total=self._long(whole.seconds), seen=self._long(whole.seen), share=self._part(share))
        if whole.missing:
            ranked = sorted(whole.missing.items(), key=lambda item: -item[1])
            reasons = [f"{say.why[why]} ({self._long(seconds)})" for why, seconds in ranked]
            only = [say.why[ranked[0][0]]] if len(reasons) == 1 else reasons
            yield say.not_seen.format(time=self._long(sum(whole.missing.values())), reasons=", ".join(only))
            yield say.unknown_then

    def alert(self, number: int, story: Story) -> AlertText:
        return AlertText(
            number=str(number),
            title=self._title(story),
            severity=self.phrases.severities.get(story.severity, story.severity),
            when=self._span(story.since, story.cleared) if story.cleared else f"{self._clock(story.since)}–",
            lines=tuple(self._alert_lines(story)),
        )

    def _alert_lines(self, story: Story) -> Iterator[str]:
        say = self.phrases
        of = f" ({say.of.format(where=story.where)})" if story.where else ""
        known = [say.known_then.format(reason=story.reason) + of]
        if story.coverage is not None:
            known.append(say.seen_then.format(share=self._part(story.coverage)))
        if story.revised:
            known.append(_counted(say.revised, story.revised))
        yield " ".join(known)
        done = [self._acknowledged(say.acknowledged, story) if story.acknowledged else say.not_acknowledged]
        if story.silenced_by:
            done.append(say.silenced.format(who=story.silenced_by))
        done.append(
            say.cleared[story.cleared_by].format(time=self._clock(story.cleared)) if story.cleared else say.stands
        )
        yield " ".join(done)

    def quiet(self, stretch: Stretch) -> Row:
        return Row(
            self._span(stretch.start, stretch.end), self.phrases.quiet[stretch.shows], self._long(stretch.seconds)
        )

    def missing(self, stretch: Stretch) -> Row:
        why = stretch.why or Why.UNKNOWN
        detail = self.phrases.details.get(stretch.detail, stretch.detail)
        if why is Why.PAUSED:
            who = stretch.detail.removeprefix(PAUSED_BY)
            detail = "" if who == stretch.detail else self.phrases.paused_by.format(who=who)
        what = f"{self.phrases.why[why]}: {detail}" if detail else self.phrases.why[why]
        return Row(self._span(stretch.start, stretch.end), what, self._long(stretch.seconds), why in IN_ORDER)

    def longest(self, rows: Sequence[Row], stretches: Sequence[Stretch]) -> tuple[Row, ...]:
        """The longest in their order, and the others as a sum."""
        ranked = sorted(range(len(rows)), key=lambda index: -stretches[index].seconds)
        kept, rest = sorted(ranked[:ROWS]), ranked[ROWS:]
        result = [rows[index] for index in kept]
        if rest:
            result.append(Row("…", self.phrases.shorter, self._long(sum(stretches[i].seconds for i in rest))))
        return tuple(result)

    def deed(self, deed: Deed) -> Row:
        what = self.phrases.actions.get(deed.action, deed.action)
        name = deed.target.partition("/")[2]
        where = "" if name == self.summary.place.id else f" {name}"
        reason = f" ({deed.reason})" if deed.reason else ""
        return Row(self._clock(deed.at), f"{deed.who} {what}{where}{reason}")

    def notes(self) -> Iterator[str]:
        summary = self.summary
        if summary.day.seconds != dt.timedelta(days=1).total_seconds():
            hours = f"{summary.day.seconds / 3600:g}"
            yield self.phrases.clock_change.format(hours=hours)
        if summary.open_seconds:
            yield self.phrases.provisional.format(time=self._long(summary.open_seconds))
        yield from self.phrases.notes
        if summary.usual.shares:
            yield self.phrases.usual_note.format(days=summary.usual.days)

    def _acknowledged(self, template: str, story: Story) -> str:
        assert story.acknowledged is not None
        return template.format(who=story.acknowledged_by, time=self._clock(story.acknowledged))

    def _clock(self, at: dt.datetime) -> str:
        return self.summary.day.clock(at)

    def _span(self, start: dt.datetime, end: dt.datetime) -> str:
        return f"{self._clock(start)}–{self._clock(end)}"

    def _long(self, seconds: float) -> str:
        return duration(self.language, seconds)

    def _part(self, share: float) -> str:
        return percent(self.language, share)


def _counted(forms: tuple[str, str], count: int) -> str:
    return forms[count > 1].format(count=count)
