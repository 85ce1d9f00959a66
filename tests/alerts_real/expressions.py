"""Whether every expression of the deployed dashboards and rules has a value on a site that runs."""

from __future__ import annotations

import math
import time
from typing import Any

from tests.alerts_real import deployed
from tests.alerts_real.promql import selectors
from tests.alerts_real.servers import NEVER, POLL_SECONDS, Prometheus

PATIENCE = 90.0


def asked(window: str) -> list[deployed.Expression]:
    """Panels and recordings as they are; of alerts, which have one in their fault only, the series they ask for."""
    inputs = [
        deployed.Expression(f"{name}: {selector.text}", f"count({selector.text})")
        for name, rule in deployed.alerts().items()
        for selector in selectors(rule["expr"])
    ]
    recorded = [deployed.Expression(f"recorded: {each.place}", each.place.split()[0]) for each in deployed.recorded()]
    return [*deployed.panels(window), *recorded, *inputs]


def valued(prometheus: Prometheus, window: str = "20s", patience: float = PATIENCE) -> list[dict[str, Any]]:
    """A row for each, with its values. Raises AssertionError naming those that have none in time."""
    waiting = {expression.place: expression for expression in asked(window)}
    rows: dict[str, dict[str, Any]] = {place: {} for place in waiting}
    give_up = time.monotonic() + patience
    while waiting:
        for place, expression in list(waiting.items()):
            samples = [sample for sample in prometheus.query(expression.expr) if math.isfinite(sample.value)]
            if samples:
                del waiting[place]
                first = {"labels": samples[0].labels, "value": samples[0].value}
                rows[place] = {"place": place, "expr": expression.expr, "series": len(samples), **first}
        missing = "\n".join(f"{each.place}: {each.expr}" for each in waiting.values())
        assert time.monotonic() < give_up, f"{len(waiting)} without a value:\n{missing}"
        NEVER.wait(POLL_SECONDS)
    return list(rows.values())
