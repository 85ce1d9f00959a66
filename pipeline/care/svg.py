"""A chart as SVG inside a page. Pure."""

from __future__ import annotations

from html import escape

from pipeline.care.marks import Box, Chart, Line, Mark, Text


def svg(chart: Chart) -> str:
    body = "\n".join(_mark(mark) for mark in chart.marks)
    size = f"0 0 {_n(chart.width)} {_n(chart.height)}"
    return f'<svg viewBox="{size}" role="img" aria-label="{escape(chart.title)}">\n{body}\n</svg>'


def _mark(mark: Mark) -> str:
    match mark:
        case Box():
            inset = 0.4 if mark.outline else 0.0
            width, height = max(mark.width - 2 * inset, 0.1), max(mark.height - 2 * inset, 0.1)
            place = f'x="{_n(mark.x + inset)}" y="{_n(mark.y + inset)}" width="{_n(width)}" height="{_n(height)}"'
            stroke = f' stroke="{mark.outline}" stroke-width="0.8"' if mark.outline else ""
            return f'<rect {place} fill="{mark.fill or "none"}"{stroke}/>'
        case Line():
            ends = f'x1="{_n(mark.x1)}" y1="{_n(mark.y1)}" x2="{_n(mark.x2)}" y2="{_n(mark.y2)}"'
            dashes = ' stroke-dasharray="3 3"' if mark.dashed else ""
            return f'<line {ends} stroke="{mark.ink}" stroke-width="{_n(mark.width)}"{dashes}/>'
        case Text():
            weight = ' font-weight="600"' if mark.bold else ""
            anchor = f' text-anchor="{mark.anchor}"' if mark.anchor != "start" else ""
            return (
                f'<text x="{_n(mark.x)}" y="{_n(mark.y)}" font-size="{_n(mark.size)}" fill="{mark.ink}"'
                f"{anchor}{weight}>{escape(mark.text)}</text>"
            )


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
