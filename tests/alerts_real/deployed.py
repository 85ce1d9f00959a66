"""What stands in `deploy`: rules and panels, with their expressions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
ALERTMANAGER = DEPLOY / "alertmanager" / "alertmanager.yml"
DASHBOARDS = DEPLOY / "grafana" / "dashboards"
RUNBOOKS = Path(__file__).parents[2] / "docs" / "operations.md"

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)([smhd])\b")


@dataclass(frozen=True)
class Expression:
    """`place`: where it stands, in words."""

    place: str
    expr: str


def rules() -> list[dict[str, Any]]:
    """Recording and alert rules, as their files have them."""
    files = sorted((PROMETHEUS / "rules").glob("*.yml"))
    return [rule for file in files for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded() -> list[Expression]:
    """Of each recording rule: what it records."""
    return [
        Expression(" ".join([rule["record"], *rule.get("labels", {}).values()]), rule["expr"])
        for rule in rules()
        if "record" in rule
    ]


def dashboards() -> dict[str, dict[str, Any]]:
    return {file.name: json.loads(file.read_text()) for file in sorted(DASHBOARDS.glob("*.json"))}


def panels(window: str = "2m", variables: dict[str, str] | None = None) -> Iterator[Expression]:
    """Every query of every panel. `window`: what Grafana would choose for ranges; `variables`: what is chosen in it."""
    chosen = {"__rate_interval": window, "__range": window, "site": ".*", "camera": ".*", **(variables or {})}
    for name, dashboard in dashboards().items():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                expr = re.sub(r"\$(\w+)", lambda found: chosen[found[1]], target["expr"])
                yield Expression(f"{name.removesuffix('.json')}: {panel['title']} [{target['refId']}]", expr)


def scaled(text: str, factor: float) -> str:
    """Rules whose ranges and waits are `factor` times as short, a second at least. What they compare with stays."""

    def shorter(duration: str) -> str:
        return _DURATION.sub(lambda found: f"{max(1, round(int(found[1]) * UNITS[found[2]] / factor))}s", duration)

    document = yaml.safe_load(text)
    for rule in (rule for group in document["groups"] for rule in group["rules"]):
        rule["expr"] = re.sub(r"\[[^\]]*\]", lambda found: shorter(found[0]), rule["expr"])
        if "for" in rule:
            rule["for"] = shorter(rule["for"])
    return yaml.safe_dump(document, sort_keys=False, width=200)
