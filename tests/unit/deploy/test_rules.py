"""Rules and routes: checked and tried by Prometheus' and Alertmanager's own tools."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts_real import deployed

TESTS = sorted(Path(__file__).with_name("rules").glob("*.yml"))
ROOT = deployed.DEPLOY.parent


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    path = shutil.which(name)
    if path is None:
        package = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}[name]
        pytest.skip(f"no {name}: apt-get install {package}")
    return subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, timeout=240, check=False)


def cases() -> list[dict[str, Any]]:
    return [
        case
        for file in TESTS
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test.get("alert_rule_test", [])
    ]


def test_the_configuration_is_right(tmp_path: Path) -> None:
    folder = shutil.copytree(deployed.PROMETHEUS, tmp_path / "prometheus")
    (folder / "secrets").mkdir()
    (folder / "secrets" / "emostream-token").write_text("a token of the control API")
    checked = tool("promtool", "check", "config", "--lint=all", "--lint-fatal", folder / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_prometheus_reads_every_panels_expression(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": panel.expr} for number, panel in enumerate(deployed.panels())]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    checked = tool("promtool", "check", "rules", "--lint=none", file)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_and_clear(file: Path) -> None:
    tried = tool("promtool", "test", "rules", file)
    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_each_alert_is_tried_before_and_in_its_fault() -> None:
    fired = {case["alertname"] for case in cases() if case["exp_alerts"]}
    silent = {case["alertname"] for case in cases() if not case["exp_alerts"]}
    assert fired == set(deployed.alerts())
    assert silent == fired - {"Watchdog"}


def test_each_alert_says_what_it_is_and_where_to_read_on() -> None:
    headings = [
        line.removeprefix("### ") for line in deployed.RUNBOOKS.read_text().splitlines() if line.startswith("### ")
    ]
    assert sorted(headings) == sorted(deployed.alerts()), "one heading an alert"
    for name, rule in deployed.alerts().items():
        assert rule["labels"]["severity"] in ("critical", "warning", "none"), name
        said = rule["annotations"]
        assert said["summary"], name
        assert said["description"].strip().endswith("."), name
        file, _, heading = said["runbook_url"].partition("#")
        assert (ROOT / file, heading) == (deployed.RUNBOOKS, name.lower())


def test_what_is_scaled_is_what_is_waited_for() -> None:
    text = (deployed.PROMETHEUS / "rules" / "alerts.yml").read_text()
    rules = {
        rule["alert"]: rule for group in yaml.safe_load(deployed.scaled(text, 10))["groups"] for rule in group["rules"]
    }
    assert rules["CameraDown"]["for"] == "12s"
    assert "[12s]" in rules["CameraSilent"]["expr"]
    assert "> 120" in rules["AggregatorStuck"]["expr"]
    assert rules["DeadLetters"]["expr"] == deployed.alerts()["DeadLetters"]["expr"].replace("[10m]", "[60s]")


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"alertname": "Watchdog", "severity": "none"}, "dead-mans-switch"),
        ({"alertname": "SiteDown", "severity": "critical", "site": "a"}, "on-call"),
        ({"alertname": "CameraDown", "severity": "warning", "site": "a"}, "operators"),
        ({"alertname": "SomethingNew"}, "operators"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["alertname"],
)
def test_routes(labels: dict[str, str], receiver: str) -> None:
    said = [f"{key}={value}" for key, value in labels.items()]
    told = tool("amtool", "config", "routes", "test", f"--config.file={deployed.ALERTMANAGER}", *said)
    assert told.stdout.strip() == receiver, told.stderr


def test_alertmanagers_configuration_is_right() -> None:
    checked = tool("amtool", "check-config", deployed.ALERTMANAGER)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alertmanager_groups_by_site_and_part_and_names_alerts_that_there_are() -> None:
    import re

    config = yaml.safe_load(deployed.ALERTMANAGER.read_text())
    assert config["route"]["group_by"] == ["site", "role"]
    matchers = [
        matcher
        for rule in config["inhibit_rules"]
        for side in ("source_matchers", "target_matchers")
        for matcher in rule[side]
        if matcher.startswith("alertname")
    ]
    for matcher in matchers:
        pattern = matcher.split(maxsplit=2)[2].strip('"')
        for each in pattern.split("|"):
            assert any(re.fullmatch(each, name) for name in deployed.alerts()), matcher
