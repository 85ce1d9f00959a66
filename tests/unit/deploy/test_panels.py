"""What panels show, computed by Prometheus' own engine: zero is not the same as nothing known, and sums come out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.alerts_real import deployed

PANELS = {expression.place: expression.expr for expression in deployed.panels("2m")}
NOT_UP = "overview: How many cameras are not? [A]"
UNEXPLAINED = "overview: How many frames can nobody explain? [A]"
BLIND = "cameras: When did which camera see nothing, and why? [A]"
EQUATION = [f"stages: Does the equation hold? [{term}]" for term in "ABCDE"]
FLOW = {  # a minute; what is in flight grows
    'emostream_log_captured_total{site="s", camera_id="a"}': "0+60x10",
    'emostream_log_observed_total{site="s", camera_id="a"}': "0+45x10",
    'emostream_log_dead_lettered_total{site="s", camera_id="a"}': "0+6x10",
    'emostream_log_dropped_total{site="s", camera_id="a", reason="expired"}': "0+3x10",
    'emostream_log_open_frames{site="s", camera_id="a"}': "0+6x10",
    'emostream_log_unexplained_total{site="s", camera_id="a"}': "0x10",
}
CAMERAS = {
    'emostream_camera_up{site="s", camera_id="well"}': "1x10",
    'emostream_camera_up{site="s", camera_id="down"}': "0x10",
    'emostream_camera_up{site="s", camera_id="dark"}': "1x10",
    'emostream_camera_blind{site="s", camera_id="dark", reason="dark"}': "1x10",
    'emostream_camera_blind{site="s", camera_id="down", reason="frozen"}': "1x10",
    'emostream_camera_blind{site="s", camera_id="removed", reason="dark"}': "1x10",
}
NO_CAPTURE = {series: values for series, values in CAMERAS.items() if "blind" in series}
ALL_WELL = {series: values for series, values in CAMERAS.items() if "well" in series}


@pytest.mark.parametrize(
    ("panel", "series", "shown"),
    [
        (NOT_UP, CAMERAS, {"{}": 2}),
        (NOT_UP, ALL_WELL, {"{}": 0}),
        (NOT_UP, NO_CAPTURE, {}),
        (BLIND, CAMERAS, {'{site="s", camera_id="dark", reason="dark"}': 1}),
        (UNEXPLAINED, FLOW, {"{}": 60}),
        (UNEXPLAINED, {}, {}),
        *((panel, FLOW, {"{}": frames}) for panel, frames in zip(EQUATION, (120, 90, 12, 6, 12), strict=True)),
    ],
)
def test_what_a_panel_shows(panel: str, series: dict[str, str], shown: dict[str, float], tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool: apt-get install prometheus")
    samples = [{"labels": labels, "value": value} for labels, value in shown.items()]
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": PANELS[panel], "eval_time": "10m", "exp_samples": samples}],
    }
    file = tmp_path / "panel.yml"
    file.write_text(yaml.safe_dump({"tests": [case]}))
    tried = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, timeout=60, check=False)
    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_the_terms_of_the_equation_are_its_sum() -> None:
    assert len(EQUATION) == sum(place.startswith("stages: Does the equation hold?") for place in PANELS)
