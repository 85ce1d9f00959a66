"""The languages there are, and what each calls days, months and lengths of time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    EN = "en"
    DE = "de"
    FR = "fr"


@dataclass(frozen=True)
class Grammar:
    """`date`: of {weekday}, {day}, {month}, {year}; `units`: singular and plural."""

    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    date: str
    first_day: str
    and_: str
    decimal: str
    percent: str
    minutes: tuple[str, str]
    hours: tuple[str, str]
    days: tuple[str, str]
    less_than_a_minute: str


GRAMMARS = {
    Language.EN: Grammar(
        weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        months=(
            "January", "February", "March", "April", "May", "June",
            "July", "August", "September", "October", "November", "December",
        ),
        date="{weekday}, {day} {month} {year}",
        first_day="1",
        and_="and",
        decimal=".",
        percent="{}%",
        minutes=("minute", "minutes"),
        hours=("hour", "hours"),
        days=("day", "days"),
        less_than_a_minute="less than a minute",
    ),
    Language.DE: Grammar(
        weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        months=(
            "Januar", "Februar", "März", "April", "Mai", "Juni",
            "Juli", "August", "September", "Oktober", "November", "Dezember",
        ),
        date="{weekday}, {day}. {month} {year}",
        first_day="1",
        and_="und",
        decimal=",",
        percent="{}\N{NO-BREAK SPACE}%",
        minutes=("Minute", "Minuten"),
        hours=("Stunde", "Stunden"),
        days=("Tag", "Tage"),
        less_than_a_minute="weniger als eine Minute",
    ),
    Language.FR: Grammar(
        weekdays=("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
        months=(
            "janvier", "février", "mars", "avril", "mai", "juin",
            "juillet", "août", "septembre", "octobre", "novembre", "décembre",
        ),
        date="{weekday} {day} {month} {year}",
        first_day="1er",
        and_="et",
        decimal=",",
        percent="{}\N{NO-BREAK SPACE}%",
        minutes=("minute", "minutes"),
        hours=("heure", "heures"),
        days=("jour", "jours"),
        less_than_a_minute="moins d’une minute",
    ),
}  # fmt: skip
