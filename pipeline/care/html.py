"""The report as one HTML page: no script, nothing fetched from anywhere, and it prints on A4. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from pipeline.care.marks import Chart
from pipeline.care.svg import svg
from pipeline.care.telling import AlertText, Page, Row

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: #1d2733; font: 16px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial,
  "DejaVu Sans", sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 40px 32px 56px; }
header { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 4px 24px; }
h1 { margin: 0; font-size: 34px; line-height: 1.15; letter-spacing: -0.01em; }
h1 small { display: block; font-size: 18px; font-weight: 400; letter-spacing: 0; margin-top: 4px; }
.head { color: #55636f; font-size: 14px; margin: 0; }
.lead { font-size: 19px; line-height: 1.55; max-width: 44em; margin: 28px 0 32px; }
.chart { margin: 0 0 32px; overflow-x: auto; }
svg { display: block; width: 100%; min-width: 640px; height: auto; font-family: inherit; }
h2 { font-size: 17px; margin: 0 0 10px; padding-top: 12px; border-top: 2px solid #1d2733; }
section { margin: 0 0 28px; break-inside: avoid; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 0 40px; }
table { width: 100%; border-collapse: collapse; }
td { padding: 5px 0; vertical-align: top; border-bottom: 1px solid #dfe4e8; }
td:first-child { white-space: nowrap; padding-right: 16px; font-variant-numeric: tabular-nums; }
td:last-child:not(:first-child):not(.what) { white-space: nowrap; text-align: right; padding-left: 12px;
  color: #55636f; }
.mark { display: inline-block; width: 14px; font-weight: 700; color: #b4491d; }
.ordered .mark { color: #55636f; }
.alert { display: grid; grid-template-columns: 30px 1fr; margin: 0 0 14px; break-inside: avoid; }
.alert b { color: #b4491d; font-size: 17px; }
.alert p { margin: 2px 0; }
.alert .name { font-weight: 600; }
.alert .name span { font-weight: 400; color: #55636f; }
.none { margin: 0; color: #55636f; }
footer { border-top: 1px solid #dfe4e8; padding-top: 14px; color: #55636f; font-size: 13.5px; }
footer p { margin: 0 0 6px; max-width: 60em; }
@media (max-width: 640px) { main { padding: 24px 18px; } .two { display: block; } .lead { font-size: 18px; } }
@media print {
  @page { size: A4; margin: 14mm 15mm; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  h1 { font-size: 22pt; }
  h1 small { font-size: 12pt; }
  .lead { font-size: 12pt; margin: 16px 0 18px; max-width: none; }
  .chart, section { margin-bottom: 16px; }
  svg { min-width: 0; }
}
"""


def html(page: Page, chart: Chart) -> str:
    """A whole document."""
    say = page.phrases
    title = say.report.format(place=page.title)
    return f"""<!doctype html>
<html lang="{page.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>{escape(title)}, {escape(page.date)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<header>
<h1>{escape(page.title)}<small>{escape(page.date)}</small></h1>
<p class="head">{escape(page.head)}</p>
</header>
<p class="lead">{escape(" ".join(page.paragraph))}</p>
<div class="chart" tabindex="0">
{svg(chart)}
</div>
{_alerts(page)}
<div class="two">
<div>
{_list(say.quiet_heading, page.quiet, say.no_quiet)}
</div>
<div>
{_list(say.missing_heading, page.missing, say.no_missing)}
{_list(say.deeds_heading, page.deeds) if page.deeds else ""}
</div>
</div>
<footer>
{_paragraphs((*page.notes, page.made))}
</footer>
</main>
</body>
</html>
"""


def _alerts(page: Page) -> str:
    if not page.alerts:
        return ""
    more = f'<p class="none">{escape(page.more_alerts)}</p>' if page.more_alerts else ""
    return _section(page.phrases.alerts_heading, "\n".join([*map(_alert, page.alerts), more]))


def _alert(alert: AlertText) -> str:
    detail = escape(f"{alert.when} · {alert.severity}")
    return f"""<div class="alert"><b>{alert.number}</b><div>
<p class="name">{escape(alert.title)} <span>{detail}</span></p>
{_paragraphs(alert.lines)}
</div></div>"""


def _list(heading: str, rows: Sequence[Row], none: str = "") -> str:
    if not rows:
        return _section(heading, f'<p class="none">{escape(none)}</p>')
    body = "\n".join(_row(row) for row in rows)
    return _section(heading, f"<table><tbody>\n{body}\n</tbody></table>")


def _row(row: Row) -> str:
    sign = "" if row.ordered is None else f'<span class="mark" aria-hidden="true">{"–" if row.ordered else "!"}</span>'
    long = f"<td>{escape(row.long)}</td>" if row.long else ""
    kind = ' class="ordered"' if row.ordered else ""
    return f'<tr{kind}><td>{sign}{escape(row.when)}</td><td class="what">{escape(row.what)}</td>{long}</tr>'


def _section(heading: str, body: str) -> str:
    return f"<section>\n<h2>{escape(heading)}</h2>\n{body}\n</section>"


def _paragraphs(texts: Iterable[str]) -> str:
    return "\n".join(f"<p>{escape(text)}</p>" for text in texts)
