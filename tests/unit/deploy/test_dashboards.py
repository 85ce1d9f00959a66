"""The dashboards: generated, of a form that Grafana reads, and asking for what there is."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.dashboards import dashboards as generated
from pipeline.docs import metric_rows
from serving.server.measures import MEANING
from tests.alerts_real import deployed
from tests.alerts_real.promql import grouped, selectors

NAMES = ["cameras.json", "capacity.json", "overview.json", "serving.json", "stages.json"]
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
OF_TARGET = {"job", "instance", "role", "site"}
OTHERS = {
    "up": frozenset[str](),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
    "process_cpu_seconds_total": frozenset[str](),
    "process_resident_memory_bytes": frozenset[str](),
    "ts_inference_requests_total": frozenset({"model_name", "model_version", "hostname"}),
    "prometheus_sd_http_failures_total": frozenset[str](),
}


def known() -> dict[str, frozenset[str]]:
    """Labels of every series that there is, by its name."""
    found = dict(OTHERS)
    for name, kind, labels, _ in metric_rows():
        if kind == "histogram":
            found |= {f"{name}_{part}": frozenset(labels) | {"le"} for part in ("bucket", "sum", "count")}
        else:
            found[name] = frozenset(labels)
    for name in MEANING:
        found |= {f"{name}_{part}": frozenset({"le"}) for part in ("bucket", "sum", "count")}
    for rule in deployed.rules():
        if "record" in rule:
            labels = grouped(rule["expr"]) | set(rule.get("labels", {}))
            found[rule["record"]] = found.get(rule["record"], frozenset()) | labels
    return found


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return board["panels"]  # type: ignore[no-any-return]


@pytest.fixture(params=NAMES)
def board(request: pytest.FixtureRequest) -> dict[str, Any]:
    return deployed.dashboards()[request.param]


def test_the_committed_ones_are_those_that_are_generated() -> None:
    committed = {file.name: file.read_text() for file in deployed.DASHBOARDS.glob("*.json")}
    assert sorted(committed) == NAMES
    assert committed == generated(), "python -m deploy.grafana.dashboards writes them"


def test_grafanas_own_model_reads_and_writes_them_back(board: dict[str, Any]) -> None:
    register_default_plugins()
    assert json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder)) == board


def test_each_panel_asks_a_question_and_says_what_it_shows(board: dict[str, Any]) -> None:
    for panel in panels(board):
        assert panel["title"].endswith("?"), panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        for target in panel["targets"]:
            assert target.get("legendFormat") or panel["type"] == "table", panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs) > 0
    titles = [panel["title"] for panel in panels(board)]
    assert len(set(titles)) == len(titles)


def test_panels_fill_rows_and_do_not_overlap(board: dict[str, Any]) -> None:
    assert [panel["id"] for panel in panels(board)] == list(range(1, len(panels(board)) + 1))
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels(board))
        for x, y in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        )
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    assert len(cells) == 24 * (max(y for _, y in cells) + 1)


def test_expressions_ask_for_series_and_labels_that_there_are() -> None:
    series = known()
    expressions = [*deployed.panels(), *(deployed.Expression(str(rule), rule["expr"]) for rule in deployed.rules())]
    for expression in expressions:
        labels: set[str] = set(OF_TARGET)
        for selector in selectors(expression.expr):
            assert selector.metric in series, f"{expression.place}: {selector.metric}"
            own = series[selector.metric] | OF_TARGET
            assert selector.labels <= own, f"{expression.place}: {selector.text}"
            labels |= own
        assert grouped(expression.expr) <= labels, expression.place


def test_buckets_that_are_asked_for_are_there() -> None:
    from pipeline.metrics import LATENCY_SECONDS

    asked = {limit for rule in deployed.rules() for limit in re.findall(r"""\ble="([^"]+)""", rule["expr"])}
    assert asked == {"2.5"}
    assert asked <= {str(limit) for limit in LATENCY_SECONDS}


def test_links_lead_to_runbooks(board: dict[str, Any]) -> None:
    headings = {
        line.lstrip("# ").lower() for line in deployed.RUNBOOKS.read_text().splitlines() if line.startswith("#")
    }
    links = [link["url"] for panel in panels(board) for link in panel.get("links") or []]
    assert links
    for link in links:
        base, _, heading = link.partition("#")
        assert (base, heading in headings) == ("${runbooks}", True), link


def test_variables_choose_site_and_camera(board: dict[str, Any]) -> None:
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert {"datasource", "site", "runbooks"} <= variables.keys()
    for panel in panels(board):
        for target in panel["targets"]:
            asked = set(re.findall(r"\$(\w+)", target["expr"])) - {"__rate_interval", "__range"}
            assert asked <= variables.keys()
            assert "site" in asked, f"{panel['title']} shows all sites, whichever is chosen"
