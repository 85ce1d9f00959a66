"""Writes the dashboards: `python -m deploy.grafana.dashboards`. A test holds the committed ones equal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana import cameras, capacity, overview, serving, stages
from deploy.grafana.panels import SOURCE

FOLDER = Path(__file__).with_name("dashboards")
RUNBOOKS = "http://127.0.0.1:8600/operations/"  # where docs/operations.md is shown: as `make docs-site` says
PAGES: dict[str, ModuleType] = {
    "overview": overview,
    "cameras": cameras,
    "stages": stages,
    "serving": serving,
    "capacity": capacity,
}
TAG = "emostream"


def dashboards() -> dict[str, str]:
    """The JSON of every dashboard, by file name."""
    return {f"{name}.json": _text(name, page) for name, page in PAGES.items()}


def _text(name: str, page: ModuleType) -> str:
    return json.dumps(_dashboard(name, page).build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _dashboard(name: str, page: ModuleType) -> build.Dashboard:
    board = (
        build.Dashboard(page.TITLE)
        .uid(f"emostream-{name}")
        .description(page.DESCRIPTION)
        .tags([TAG])
        .readonly()
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(
            build.DashboardLink("emostream")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .include_vars(True)
            .keep_time(True)
        )
        .link(build.DashboardLink("Runbooks").type(model.DashboardLinkType.LINK).url("${runbooks}").target_blank(True))
    )
    for variable in _variables(name):
        board.with_variable(variable)
    for number, panel in enumerate(page.panels(), 1):
        board.with_panel(panel.id(number))
    return board


def _variables(name: str) -> list[build.DatasourceVariable | build.QueryVariable | build.ConstantVariable]:
    found: list[build.DatasourceVariable | build.QueryVariable | build.ConstantVariable] = [
        build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"),
        _labels("site", "Site", "label_values(emostream_build_info, site)"),
    ]
    if name in ("cameras", "stages"):
        of = 'label_values(emostream_log_captured_total{site=~"$site"}, camera_id)'
        found.append(_labels("camera", "Camera", of))
    return [*found, build.ConstantVariable("runbooks").label("Runbooks").value(RUNBOOKS)]


def _labels(name: str, label: str, query: str) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(model.VariableOption(selected=True, text="All", value="$__all"))
    )


def main(folder: Path = FOLDER) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in dashboards().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
