"""The report as PDF on A4, from the same texts and the same chart as the page."""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from pipeline.care.marks import Box, Chart, Ink, Line, Mark, Text
from pipeline.care.telling import AlertText, Page, Row
from pipeline.errors import DependencyError

MARGIN = 14.0  # mm
WIDTH = 210.0 - 2 * MARGIN
GUTTER = 10.0
TIMES, LONG = 26.0, 19.0  # when something was, and for how long
SIGN = 3.0  # what is before the time of a missing stretch
NUMBER = 8.0  # where an alert has its number
MM_PER_POINT = 25.4 / 72
FONT = "DejaVu"
Style = Literal["", "B"]


def pdf(page: Page, chart: Chart, made: dt.datetime) -> bytes:
    """`made`: the document's date. The fonts are in it."""
    sheet = _Sheet(page, made)
    sheet.head()
    sheet.lead()
    sheet.chart(chart)
    sheet.alerts()
    sheet.columns()
    sheet.notes()
    return bytes(sheet.output())


class _Sheet(FPDF):  # type: ignore[misc]  # fpdf2 has types for some of it only
    def __init__(self, page: Page, made: dt.datetime) -> None:
        super().__init__(format="A4")
        self._page = page
        self.set_margin(MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(True, MARGIN)
        fonts = _fonts()
        self.add_font(FONT, "", fonts / "DejaVuSans.ttf")
        self.add_font(FONT, "B", fonts / "DejaVuSans-Bold.ttf")
        self.set_title(f"{page.phrases.report.format(place=page.title)}, {page.date}")
        self.set_lang(page.language)
        self.set_creator("emostream")
        self.set_creation_date(made)
        self.add_page()

    def head(self) -> None:
        top = self.get_y()
        self._say(self._page.title, 20, "B")
        self._say(self._page.date, 11)
        below = self.get_y()
        self._ink(8.5, "", Ink.MUTED)
        self.set_xy(MARGIN, top + 2)
        self.cell(WIDTH, 5, self._page.head, align="R")
        self.set_y(below + 5)

    def lead(self) -> None:
        self._say(" ".join(self._page.paragraph), 11, leading=1.5)
        self.set_y(self.get_y() + 5)

    def chart(self, chart: Chart) -> None:
        scale = WIDTH / chart.width
        self._room(chart.height * scale)
        top = self.get_y()
        for mark in chart.marks:
            self._mark(mark, scale, top)
        self.set_dash_pattern()
        self.set_y(top + chart.height * scale + 5)

    def alerts(self) -> None:
        if self._page.alerts:
            self._heading(self._page.phrases.alerts_heading, MARGIN, WIDTH)
            for alert in self._page.alerts:
                self._alert(alert)
            if self._page.more_alerts:
                self._say(self._page.more_alerts, 9, ink=Ink.MUTED)
            self.set_y(self.get_y() + 3)

    def columns(self) -> None:
        """Quiet, and beside it what is missing and what people changed."""
        say, page, width = self._page.phrases, self._page, (WIDTH - GUTTER) / 2
        right = [(say.missing_heading, page.missing, say.no_missing)]
        if page.deeds:
            right.append((say.deeds_heading, page.deeds, ""))
        columns = ([(say.quiet_heading, page.quiet, say.no_quiet)], right)
        self._room(max(sum(16 + self._height(rows, width) for _, rows, _ in lists) for lists in columns))
        top, bottoms = self.get_y(), []
        for number, lists in enumerate(columns):
            x = MARGIN + number * (width + GUTTER)
            self.set_y(top)
            for heading, rows, none in lists:
                self._heading(heading, x, width)
                self._rows(rows, x, width, none)
                self.set_y(self.get_y() + 5)
            bottoms.append(self.get_y())
        self.set_y(max(bottoms))

    def notes(self) -> None:
        self._room(8 + sum(self._tall(text, 7.2, WIDTH) for text in self._page.notes))
        self._rule(MARGIN, WIDTH, Ink.FAINT)
        self.set_y(self.get_y() + 2.5)
        for text in (*self._page.notes, self._page.made):
            self._say(text, 7.2, ink=Ink.MUTED)
            self.set_y(self.get_y() + 0.6)

    def _alert(self, alert: AlertText) -> None:
        x, width = MARGIN + NUMBER, WIDTH - NUMBER
        self._room(sum(self._tall(text, 9.5, width) for text in (alert.title, *alert.lines)) + 2)
        top = self.get_y()
        self._say(alert.number, 10.5, "B", ink=Ink.NOTED, width=NUMBER)
        self.set_y(top)
        self.set_left_margin(x)
        self._ink(9.5, "B")
        self.write(self._line(9.5), f"{alert.title}  ")
        self._ink(9, ink=Ink.MUTED)
        self.write(self._line(9.5), f"{alert.when} · {alert.severity}\n")
        self.set_left_margin(MARGIN)
        for line in alert.lines:
            self._say(line, 9, x=x, width=width)
        self.set_y(self.get_y() + 2)

    def _heading(self, text: str, x: float, width: float) -> None:
        self._room(16)
        self._rule(x, width, Ink.TEXT, 0.5)
        self.set_y(self.get_y() + 2.5)
        self._say(text, 10, "B", x=x, width=width)
        self.set_y(self.get_y() + 1)

    def _rows(self, rows: Sequence[Row], x: float, width: float, none: str = "") -> None:
        if not rows:
            self._say(none, 9, ink=Ink.MUTED, x=x, width=width)
        for row in rows:
            top, height = self.get_y(), self._row_height(row, width)
            when, what = self._widths(row, width)
            sign = {True: "–", False: "!", None: ""}[row.ordered]
            self._say(sign, 9, "B", ink=Ink.MUTED if row.ordered else Ink.NOTED, x=x, width=SIGN)
            self.set_y(top)
            self._say(row.when, 9, x=x + (SIGN if sign else 0), width=when)
            self.set_y(top)
            self._say(row.what, 9, x=x + when, width=what)
            self.set_y(top)
            self._say(row.long, 9, ink=Ink.MUTED, x=x, width=width, align="R")
            self.set_y(top + height - 0.4)
            self._rule(x, width, Ink.FAINT)
            self.set_y(top + height + 0.4)

    def _height(self, rows: Sequence[Row], width: float) -> float:
        return sum(self._row_height(row, width) + 0.4 for row in rows)

    def _row_height(self, row: Row, width: float) -> float:
        return self._tall(row.what, 9, self._widths(row, width)[1]) + 1.2

    def _tall(self, text: str, size: float, width: float) -> float:
        """How high it will be, set in that width."""
        self._ink(size)
        height = self.multi_cell(width, self._line(size), text, dry_run=True, output="HEIGHT")
        assert isinstance(height, float | int)
        return height

    @staticmethod
    def _widths(row: Row, width: float) -> tuple[float, float]:
        """Of the times, and of what is said of them; how long it was has the rest."""
        return TIMES, width - TIMES - (LONG if row.long else 0.0)

    def _mark(self, mark: Mark, scale: float, top: float) -> None:
        match mark:
            case Box():
                self._colour(mark.fill, mark.outline)
                style = ("F" if mark.fill else "") + ("D" if mark.outline else "")
                self.set_line_width(0.15)
                self.set_dash_pattern()
                x, y = MARGIN + mark.x * scale, top + mark.y * scale
                self.rect(x, y, mark.width * scale, mark.height * scale, style)
            case Line():
                self._colour(None, mark.ink)
                self.set_line_width(mark.width * scale)
                self.set_dash_pattern(*((0.7, 0.7) if mark.dashed else ()))
                x1, x2 = MARGIN + mark.x1 * scale, MARGIN + mark.x2 * scale
                self.line(x1, top + mark.y1 * scale, x2, top + mark.y2 * scale)
            case Text():
                self._ink(mark.size * scale / MM_PER_POINT, "B" if mark.bold else "", mark.ink)
                back = {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.anchor] * self.get_string_width(mark.text)
                self.text(MARGIN + mark.x * scale - back, top + mark.y * scale, mark.text)

    def _say(
        self,
        text: str,
        size: float,
        style: Style = "",
        *,
        ink: Ink = Ink.TEXT,
        x: float = MARGIN,
        width: float = WIDTH,
        align: Literal["L", "R"] = "L",
        leading: float = 1.35,
    ) -> None:
        self._ink(size, style, ink)
        self.set_x(x)
        self.multi_cell(width, self._line(size, leading), text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _rule(self, x: float, width: float, ink: Ink, thickness: float = 0.2) -> None:
        self._colour(None, ink)
        self.set_line_width(thickness)
        self.line(x, self.get_y(), x + width, self.get_y())

    def _ink(self, size: float, style: Style = "", ink: Ink = Ink.TEXT) -> None:
        self.set_font(FONT, style, size)
        self.set_text_color(ink.value)

    def _colour(self, fill: Ink | None, outline: Ink | None) -> None:
        if fill:
            self.set_fill_color(fill.value)
        if outline:
            self.set_draw_color(outline.value)

    def _room(self, height: float) -> None:
        """A new page where so much does not fit on this one."""
        if self.will_page_break(height):
            self.add_page()

    @staticmethod
    def _line(size: float, leading: float = 1.35) -> float:
        return size * MM_PER_POINT * leading


def _fonts() -> Path:
    """Matplotlib brings fonts that hold the letters of most languages. Raises DependencyError."""
    found = importlib.util.find_spec("matplotlib")
    for folder in (found.submodule_search_locations or ()) if found else ():
        fonts = Path(folder) / "mpl-data" / "fonts" / "ttf"
        if (fonts / "DejaVuSans.ttf").is_file():
            return fonts
    raise DependencyError("the font DejaVu Sans is missing", "pip install matplotlib, which brings it")
