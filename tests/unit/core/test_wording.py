"""Numbers, times and dates as each language says them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.wording import Language, clock, date, duration, kept, listed, number, percent

EN, DE, FR = Language


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_dates() -> None:
    day = dt.date(2026, 3, 1)
    assert [date(language, day) for language in Language] == [
        "Sunday, 1 March 2026",
        "Sonntag, 1. März 2026",
        "dimanche 1er mars 2026",
    ]
    assert clock(dt.datetime(2026, 3, 1, 7, 5, tzinfo=dt.UTC)) == "07:05"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 min"), (20, "less than a minute"), (60, "1 min"), (3600, "1 h"), (7500, "2 h 5 min"), (86400, "24 h")],
)
def test_durations(seconds: float, said: str) -> None:
    assert plain(duration(EN, seconds)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(900, "15 Minuten"), (60, "1 Minute"), (3600, "1 Stunde"), (5400, "90 Minuten"), (7 * 86400, "7 Tage"),
     (150, "2,5 Minuten"), (86400, "1 Tag")],
)  # fmt: skip
def test_how_long_something_is_kept(seconds: float, said: str) -> None:
    assert plain(kept(DE, seconds)) == said


def test_shares_are_never_rounded_to_none_or_all() -> None:
    assert [percent(EN, share) for share in (0, 0.5, 1)] == ["0%", "50%", "100%"]
    assert plain(percent(EN, 0.0001)) == "< 1%"
    assert percent(EN, 0.9999) == "99%"
    assert plain(percent(FR, 0.5)) == "50 %"


@given(st.floats(0, 1))
def test_any_share_can_be_said(share: float) -> None:
    assert percent(EN, share).rstrip("%").replace("<\N{NO-BREAK SPACE}", "").isdigit()


def test_lists_and_numbers() -> None:
    assert [listed(language, ["a", "b", "c"]) for language in Language] == ["a, b and c", "a, b und c", "a, b et c"]
    assert listed(EN, ["a"]) == "a"
    assert (number(EN, 2.5), number(DE, 2.5), number(EN, 3.0)) == ("2.5", "2,5", "3")
