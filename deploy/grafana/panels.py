"""What the panels of all dashboards have in common: questions, looks, units, legends, links to runbooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as look
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
GOOD, BAD, DOUBTFUL = "#0072B2", "#D55E00", "#E69F00"  # told apart by colour-blind people, too (Okabe and Ito)
FATES = {"captured": "#999999", "observed": GOOD, "dead-lettered": "#CC79A7", "dropped": BAD, "in flight": "#56B4E9"}
SITE = 'site=~"$site"'  # what is chosen above a dashboard
CAMERA = f'{SITE}, camera_id=~"$camera"'
Panel = Any
"""A builder of a panel: those of the SDK have no type in common that tells of height and span."""


@dataclass(frozen=True)
class Query:
    """`legend`: with {{label}} in it."""

    expr: str
    legend: str


def a_second(counter: str, legend: str = "", *, of: str = SITE, by: str = "") -> Query:
    """How much it grows. `of`: matchers; `by`: labels that make a line each, and its legend where none is given."""
    legend = legend or " ".join(f"{{{{{label}}}}}" for label in by.split(", "))
    return Query(f"sum{f' by ({by}) ' if by else ''}(rate({counter}{{{of}}}[$__rate_interval]))", legend)


def within(histogram: str, *parts: float, of: str = SITE) -> list[Query]:
    """Below what these parts of all that was measured lie."""
    rate = f"sum by (le) (rate({histogram}_bucket{{{of}}}[$__rate_interval]))"
    return [Query(f"histogram_quantile({part}, {rate})", f"{round(part * 100)} of 100 within") for part in parts]


def mean(histogram: str, legend: str, *, of: str = SITE) -> Query:
    over, under = (f"sum(rate({histogram}_{part}{{{of}}}[$__rate_interval]))" for part in ("sum", "count"))
    return Query(f"{over} / ({under} > 0)", legend)


def lines(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    span: int = 12,
    stacked: bool = False,
    most: float | None = None,
    runbooks: Sequence[str] = (),
    colours: dict[str, str] | None = None,
) -> Panel:
    """Over time. `most`: the axis' upper end; `colours`: by legend; the lower end is 0 where nothing is negative."""
    panel = (
        timeseries.Panel()
        .unit(unit)
        .axis_soft_min(0)
        .line_width(1)
        .fill_opacity(40 if stacked else 8)
        .show_points(look.VisibilityMode.AUTO)
        .legend(_legend(look.LegendDisplayMode.TABLE).calcs(["lastNotNull", "max"]))
        .tooltip(common.VizTooltipOptions().mode(look.TooltipDisplayMode.MULTI).sort(look.SortOrder.DESCENDING))
        .height(9)
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(look.StackingMode.NORMAL).group("A"))
    if most is not None:
        panel.max(most)
    for name, colour in (colours or {}).items():
        panel.override_by_name(name, _coloured(colour, line=stacked and name == "captured"))
    return _finish(panel, title, description, queries, span, runbooks)


def number(
    title: str,
    description: str,
    unit: str,
    query: Query,
    *,
    span: int = 4,
    good: float | None = None,
    bad: float | None = None,
    runbooks: Sequence[str] = (),
) -> Panel:
    """One figure, now. `good` and `bad`: where it turns; the greater of the two is the upper limit."""
    panel = (
        stat.Panel()
        .unit(unit)
        .graph_mode(look.BigValueGraphMode.AREA)
        .color_mode(look.BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("nothing known")
        .height(5)
        .thresholds(_turning(good, bad))
    )
    return _finish(panel, title, description, [query], span, runbooks)


def states(
    title: str,
    description: str,
    query: Query,
    meaning: dict[str, tuple[str, str]],
    *,
    span: int = 24,
    runbooks: Sequence[str] = (),
) -> Panel:
    """A row a series, coloured by its value. `meaning`: text and colour of each value."""
    options = {
        value: model.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(meaning.items())
    }
    panel = (
        statetimeline.Panel()
        .mappings([model.ValueMap(options=options)])
        .merge_values(True)
        .row_height(0.8)
        .fill_opacity(70)
        .line_width(0)
        .show_value(look.VisibilityMode.NEVER)
        .legend(_legend(look.LegendDisplayMode.LIST))
        .unit("short")
        .height(9)
    )
    return _finish(panel, title, description, [query], span, runbooks)


@dataclass(frozen=True)
class Column:
    """`unit`: as Grafana names it; `expr`: one value for each row's labels."""

    name: str
    unit: str
    expr: str


def rows(
    title: str,
    description: str,
    keys: dict[str, str],
    *columns: Column,
    span: int = 24,
    runbooks: Sequence[str] = (),
) -> Panel:
    """A table of now. `keys`: labels that make a row, and what their columns are called."""
    queries = [
        prometheus.Dataquery()
        .expr(column.expr)
        .instant()
        .format(PromQueryFormat.TABLE)
        .legend_format("")
        .ref_id(chr(ord("A") + at))
        .datasource(SOURCE)
        for at, column in enumerate(columns)
    ]
    value = [f"Value #{chr(ord('A') + at)}" if len(columns) > 1 else "Value" for at in range(len(columns))]
    names = {**keys, **{old: column.name for old, column in zip(value, columns, strict=True)}}
    panel = table.Panel().height(9).unit("short").show_header(True)
    panel.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    hidden = {"Time": True}
    order = {old: at for at, old in enumerate(names)}
    options = {"excludeByName": hidden, "indexByName": order, "renameByName": names}
    panel.with_transformation(model.DataTransformerConfig(id_val="organize", options=options))
    for column in columns:
        panel.override_by_name(column.name, [model.DynamicConfigValue("unit", column.unit)])
    for query in queries:
        panel.with_target(query)
    return _finish(panel, title, description, [], span, runbooks)


def _finish(
    panel: Panel, title: str, description: str, queries: Sequence[Query], span: int, runbooks: Sequence[str]
) -> Panel:
    panel.title(title).description(description).datasource(SOURCE).span(span)
    for at, query in enumerate(queries):
        panel.with_target(
            prometheus.Dataquery()
            .expr(query.expr)
            .legend_format(query.legend)
            .ref_id(chr(ord("A") + at))
            .datasource(SOURCE)
        )
    if runbooks:
        panel.links([_runbook(alert) for alert in runbooks])
    return panel


def _legend(mode: look.LegendDisplayMode) -> common.VizLegendOptions:
    return common.VizLegendOptions().display_mode(mode).placement(look.LegendPlacement.BOTTOM).show_legend(True)


def _runbook(alert: str) -> build.DashboardLink:
    link = build.DashboardLink(f"What to do: {alert}").type(model.DashboardLinkType.LINK).target_blank(True)
    return link.url("${runbooks}#" + alert.lower())


def _turning(good: float | None, bad: float | None) -> build.ThresholdsConfig:
    """From the colour that holds below the first limit upwards. The least step has no value: minus infinity."""
    steps = sorted((limit, colour) for limit, colour in ((good, GOOD), (bad, BAD)) if limit is not None)
    below = BAD if steps and steps[-1][1] == GOOD else GOOD
    if len(steps) == 2:  # good at one end, bad at the other, doubtful between
        steps[0] = (steps[0][0], DOUBTFUL)
    return (
        build.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(None, below), *(model.Threshold(limit, colour) for limit, colour in steps)])
    )


def _coloured(colour: str, *, line: bool) -> list[model.DynamicConfigValue]:
    """`line`: drawn over a stack, not part of it."""
    values = [model.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})]
    if line:
        values += [
            model.DynamicConfigValue("custom.stacking", {"mode": "none", "group": "B"}),
            model.DynamicConfigValue("custom.fillOpacity", 0),
            model.DynamicConfigValue("custom.lineWidth", 2),
        ]
    return values
