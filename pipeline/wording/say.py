"""Numbers, times and dates as a language says them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pipeline.wording.language import GRAMMARS, Language

MINUTE = 60
HOUR = 3600
DAY = 86400
NARROW = "\N{NO-BREAK SPACE}"


def date(language: Language, day: dt.date) -> str:
    """`Friday, 20 November 2026`."""
    grammar = GRAMMARS[language]
    return grammar.date.format(
        weekday=grammar.weekdays[day.weekday()],
        day=grammar.first_day if day.day == 1 else day.day,
        month=grammar.months[day.month - 1],
        year=day.year,
    )


def clock(at: dt.datetime) -> str:
    """`07:05`, in the zone that the time is in."""
    return f"{at:%H:%M}"


def duration(language: Language, seconds: float) -> str:
    """`2 h 5 min`, to the minute."""
    grammar = GRAMMARS[language]
    minutes = int(seconds / MINUTE + 0.5)
    if not minutes:
        return f"0{NARROW}min" if not seconds else grammar.less_than_a_minute
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min")]
    return " ".join(f"{count}{NARROW}{sign}" for count, sign in parts if count)


def kept(language: Language, seconds: float) -> str:
    """`15 minutes`, `7 days`: how long something is kept, in the largest unit of which it is a whole number."""
    grammar = GRAMMARS[language]
    for unit, names in ((DAY, grammar.days), (HOUR, grammar.hours), (MINUTE, grammar.minutes)):
        count = seconds / unit
        if count >= 1 and abs(count - round(count)) < 0.01:
            return f"{round(count)}{NARROW}{names[round(count) > 1]}"
    count = max(seconds / MINUTE, 0.1)
    return f"{number(language, count)}{NARROW}{grammar.minutes[count > 1]}"


def number(language: Language, value: float) -> str:
    """With one decimal, where there is any."""
    return f"{value:.1f}".removesuffix(".0").replace(".", GRAMMARS[language].decimal)


def percent(language: Language, share: float) -> str:
    """A share from 0 to 1. Never 0 for what is more, nor 100 for what is less."""
    whole = round(share * 100)
    if share > 0 and not whole:
        return "<" + NARROW + GRAMMARS[language].percent.format(1)
    if share < 1 and whole == 100:
        whole = 99
    return GRAMMARS[language].percent.format(whole)


def listed(language: Language, items: Sequence[str]) -> str:
    """`a, b and c`."""
    *first, last = items
    return f"{', '.join(first)} {GRAMMARS[language].and_} {last}" if first else last
