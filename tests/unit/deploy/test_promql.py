"""What is read out of an expression's text, on which the other tests of `deploy` stand."""

from __future__ import annotations

import pytest

from tests.alerts_real.promql import grouped, selectors


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        ("up == 0", {"up"}),
        ('sum by (a, b) (rate(x_total{c="d", e=~"f|g"}[5m])) > 0.01', {'x_total{c="d", e=~"f|g"}'}),
        ("time() - max by (site) (max_over_time(y_seconds[1h])) > 120", {"y_seconds"}),
        ("a_total > on (site) 0.05 * b_count or on (site) c", {"a_total", "b_count", "c"}),
        ("histogram_quantile(0.95, sum by (le) (rate(h_bucket[5m])))", {"h_bucket"}),
        ("site:x:ratio_rate5m > 14.4 * 0.01 unless on (site) z", {"site:x:ratio_rate5m", "z"}),
        ('x{l="}"} / on (a) group_left () y', {'x{l="}"}', "y"}),
        ("vector(1)", set()),
    ],
)
def test_selectors(expr: str, found: set[str]) -> None:
    assert {selector.text for selector in selectors(expr)} == found


def test_labels_that_are_matched_and_grouped_by() -> None:
    expr = 'sum by (site, camera_id) (x{role="a", reason!~"b"}) and on (site) y'
    (x, _) = selectors(expr)
    assert (x.metric, x.labels) == ("x", {"role", "reason"})
    assert grouped(expr) == {"site", "camera_id"}
