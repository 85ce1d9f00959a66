"""What people read: whole sentences in every language, and pages that need nothing from anywhere."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import shutil
import string
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipeline.care.chart import chart
from pipeline.care.day import Day
from pipeline.care.html import html
from pipeline.care.marks import Box, Ink, Line, Text, hatched
from pipeline.care.pdf import pdf
from pipeline.care.phrases import PHRASES
from pipeline.care.summary import Records, summarize
from pipeline.care.telling import Page, page
from pipeline.messages import LABELS
from pipeline.wording import Language
from tests.care_days import BERLIN, FRIDAY, MINUTE, QUIET_DAY, ROOM, alert, notable_records, window, windows

MADE = FRIDAY.end + dt.timedelta(hours=8)
NOTABLE = summarize(ROOM, FRIDAY, MADE, notable_records())
SHORT = Day(dt.date(2026, 3, 29), BERLIN)
HOSTILE = alert(
    FRIDAY.start + 60 * MINUTE, title='<script>alert("x")</script>', reason="</svg><img src=http://evil.example/x>",
    acknowledged_at=FRIDAY.start + 61 * MINUTE, acknowledged_by="Łukasz <b>",
)  # fmt: skip
MANY = [
    alert(FRIDAY.start + hour * 60 * MINUTE, alert_id=str(hour), severity="info" if hour < 6 else "critical")
    for hour in range(14)
]
SUMMARIES = {
    "notable": NOTABLE,
    "empty": summarize(ROOM, FRIDAY, MADE, Records()),
    "short": summarize(ROOM, SHORT, SHORT.end, Records(list(windows(SHORT, QUIET_DAY, 1)))),
    "withheld": summarize(ROOM, FRIDAY, MADE, Records([window(FRIDAY.start, suppressed=True)])),
    "hostile": summarize(ROOM, FRIDAY, MADE, Records(alerts=[HOSTILE])),
    "many": summarize(ROOM, FRIDAY, MADE, Records(list(windows(FRIDAY, QUIET_DAY, 1)), MANY)),
    "so far": summarize(ROOM, FRIDAY, FRIDAY.start + 20 * MINUTE, Records([window(FRIDAY.start)])),
}
VOID = {"meta", "link", "rect", "line"}


def made(name: str, language: Language = Language.EN) -> Page:
    return page(SUMMARIES[name], language, MADE, "1.2.3")


def document(name: str, language: Language = Language.EN) -> str:
    told = made(name, language)
    return html(told, chart(SUMMARIES[name], told))


def test_the_paragraph_of_a_notable_day() -> None:
    sentences = made("notable").paragraph
    assert sentences[0] == "A face could be read in 5\N{NO-BREAK SPACE}h 23\N{NO-BREAK SPACE}min of the day."
    text = " ".join(sentences).replace("\N{NO-BREAK SPACE}", " ")
    assert "The apparent expression was mostly neutral (60%), then sad (18%) and happy (13%)." in text
    assert "In the afternoon (12–18), the apparent expression was sad more often than usual" in text
    assert "There were 2 alerts, “No usable pictures” at 02:13," in text
    assert "one of them was not acknowledged" in text
    assert (
        "For 3 h 29 min nothing was seen: camera down (2 h 20 min), camera paused (45 min), camera blind (24 min)."
        in text
    )


def test_an_alert_says_what_was_known_then_and_who_looked_after_it() -> None:
    text = " ".join(made("notable").alerts[1].lines)
    assert "Known then: “Apparent distress, please look in: apparent angry" in text
    assert "98% of the pictures were really seen. Late pictures have changed one of the windows" in text
    assert "Acknowledged by Ada at 15:09. Seen to be over at 15:31." in text


def test_of_many_alerts_the_gravest_are_listed() -> None:
    told = made("many")
    assert [each.severity for each in told.alerts] == ["information"] * 2 + ["critical"] * 8
    assert "4 more, less severe or later" in told.more_alerts
    assert "4 more, less severe or later" in document("many")
    text = " ".join(told.paragraph)
    assert "There were 14 alerts, “Apparent distress, please look in” at 06:00" in text
    assert "none of them was acknowledged. 14 still stand." in text
    assert "All of the day was really seen." in text


def test_a_day_hardly_seen_is_not_told_as_one_on_which_nothing_stands_out() -> None:
    weeks = [each for each in notable_records().windows if each.end <= FRIDAY.start]
    told = page(summarize(ROOM, FRIDAY, MADE, Records(weeks)), Language.EN, MADE, "1.2.3")
    assert "Too little was read to compare it with the days before." in told.paragraph


def test_missing_is_never_told_as_quiet() -> None:
    told = made("empty")
    assert told.quiet == ()
    assert [row.what for row in told.missing] == ["nothing recorded"]
    assert "What happened then is not known" in " ".join(told.paragraph)


def test_withheld_figures_are_told_as_such() -> None:
    told = made("withheld")
    assert any("figures on faces are withheld" in sentence for sentence in told.paragraph)
    assert "No face could be read." not in told.paragraph


def test_a_day_that_goes_on_and_one_of_23_hours_say_so() -> None:
    assert "so far, until 00:20" in made("so far").date
    assert "this day has 23 hours" in " ".join(made("short").notes)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", SUMMARIES)
def test_every_text_is_whole(name: str, language: Language) -> None:
    told = made(name, language)
    texts = [*told.paragraph, *told.notes, told.made, told.date, *(line for a in told.alerts for line in a.lines)]
    texts += [row.what for row in (*told.quiet, *told.missing, *told.deeds)]
    assert all(text.strip() and "{" not in text and "None" not in text for text in texts)
    assert all(sentence.endswith(".") for sentence in told.paragraph)


def placeholders(value: object) -> Iterator[object]:
    """The names in a template, or in every one of a tuple or mapping, by key."""
    if isinstance(value, str):
        yield sorted({name for _, name, _, _ in string.Formatter().parse(value) if name is not None})
    elif isinstance(value, tuple):
        for each in value:
            yield from placeholders(each)
    else:
        assert hasattr(value, "items")
        for key, each in value.items():
            yield key, *placeholders(each)


@pytest.mark.parametrize("language", [Language.DE, Language.FR])
def test_languages_say_the_same(language: Language) -> None:
    english, other = PHRASES[Language.EN], PHRASES[language]
    for field in dataclasses.fields(english):
        ours, theirs = (list(placeholders(getattr(phrases, field.name))) for phrases in (english, other))
        if field.name not in ("notes",):
            assert sorted(map(repr, theirs)) == sorted(map(repr, ours)), field.name
    assert set(other.rows) == set(other.adjectives) == set(LABELS)


class Nesting(HTMLParser):
    """Tags are closed in the order in which they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", SUMMARIES)
def test_the_page_is_well_formed_and_asks_nobody(name: str, language: Language) -> None:
    text = document(name, language)
    nesting = Nesting()
    nesting.feed(text)
    nesting.close()
    assert nesting.open == []
    assert nesting.links == ["data:,"]
    assert not nesting.seen & {"script", "img", "iframe", "object", "embed", "base", "form"}
    style = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"url\(|@import|https?:", style)
    assert "default-src 'none'" in text
    ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])


def test_what_people_wrote_is_shown_and_not_run() -> None:
    text = document("hostile")
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" in text
    assert "Łukasz &lt;b&gt;" in text
    assert "<img" not in text


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_chart_lies_in_its_frame_and_names_every_row(name: str) -> None:
    told = made(name)
    drawn = chart(SUMMARIES[name], told)
    for mark in drawn.marks:
        match mark:
            case Box():
                assert mark.x >= 0
                assert mark.x + mark.width <= drawn.width
                assert -0.01 <= mark.y <= mark.y + mark.height <= drawn.height
            case Line():
                assert max(mark.x1, mark.x2) <= drawn.width
                assert max(mark.y1, mark.y2) <= drawn.height
            case Text():
                assert 0 <= mark.y <= drawn.height
    texts = {mark.text for mark in drawn.marks if isinstance(mark, Text)}
    assert set(told.phrases.rows.values()) <= texts
    shown = {stretch.shows for stretch in SUMMARIES[name].stretches if stretch.why is None}
    assert {told.phrases.shows[shows] for shows in shown} <= texts


@pytest.mark.parametrize("falling", [False, True])
def test_hatching_stays_in_its_box(falling: bool) -> None:
    lines = list(hatched(10, 20, 30, 9, Ink.MUTED, falling))
    assert len(lines) > 5
    for line in lines:
        assert all(9.99 <= x <= 40.01 for x in (line.x1, line.x2))
        assert all(19.99 <= y <= 29.01 for y in (line.y1, line.y2))


@pytest.mark.parametrize("language", Language)
def test_the_pdf_holds_the_same_words(language: Language, tmp_path: Path) -> None:
    told = made("hostile", language)
    content = pdf(told, chart(SUMMARIES["hostile"], told), MADE)
    assert content == pdf(told, chart(SUMMARIES["hostile"], told), MADE)
    assert content.startswith(b"%PDF-")
    assert b"/FontFile2" in content
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext: apt-get install poppler-utils")
    file = tmp_path / "report.pdf"
    file.write_bytes(content)
    done = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True)
    text = re.sub(r"\s+", " ", done.stdout)
    assert "Łukasz <b>" in text
    for sentence in told.paragraph:
        assert re.sub(r"\s+", " ", sentence) in text
