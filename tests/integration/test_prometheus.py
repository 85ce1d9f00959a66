"""The real Prometheus and Alertmanager on a running site: every expression has a value, alerts fire and clear.

Ranges and waits of the rules are 20 times as short, what they compare with is as deployed. All of the alerts are made
to fire by `make alerts-test`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local.stack import LocalStack
from tests.alerts_real.camera import DARK
from tests.alerts_real.deployed import panels
from tests.alerts_real.expressions import asked, valued
from tests.alerts_real.faults import broken_frames, claimed_frames, killed, of_camera, shows, together
from tests.alerts_real.servers import until
from tests.alerts_real.strangers import BROKEN, CLAIMED
from tests.alerts_real.watched import Watched, watched

FACTOR = 20
TOOLS = ("prometheus", "prometheus-alertmanager")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"apt-get install {' '.join(MISSING)}"),
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def site(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(stack, tmp_path_factory.mktemp("watched"), 3, factor=FACTOR) as running:
        yield running


def test_alerts_fire_while_their_fault_lasts(site: Watched) -> None:
    dark = {"CameraBlind": of_camera("room-2", reason="dark")}
    together(site, killed("room-1"), shows("room-2", DARK, dark), broken_frames(), claimed_frames())
    operators, on_call = "/operators", "/on-call"
    until(lambda: site.told.got(operators, "CameraDown"), 30, "operators are not told of the camera")
    until(lambda: site.told.got(operators, "CameraDown", "resolved"), 30, "nor that it is back")
    until(lambda: site.told.got(on_call, "EquationUnbalanced"), 30, "nobody is called")
    until(lambda: site.told.got("/alive", "Watchdog"), 30, "the dead man's switch hears nothing")
    assert not site.told.names(on_call) & {"CameraDown", "CameraBlind", "DeadLetters"}


def test_every_expression_has_a_value(site: Watched, tmp_path: Path) -> None:
    """Afterwards, so that what is only told of faults is there. EMOSTREAM_TEST_REPORTS: a folder for the values."""
    rows = valued(site.prometheus)
    assert [row["place"] for row in rows] == [expression.place for expression in asked("20s")]
    assert not site.prometheus.broken_rules()
    folder = Path(os.environ.get("EMOSTREAM_TEST_REPORTS", tmp_path))
    (folder / "expressions.json").write_text(json.dumps(rows, indent=1) + "\n")


def test_the_equation_is_balanced_on_its_panel(site: Watched) -> None:
    """Its line is the sum of what is stacked, while frames come in."""
    captured, *stacked = [each.expr for each in panels("20s") if "Does the equation hold?" in each.place]
    assert len(stacked) == 4
    gap = f"abs({captured} - ({' + '.join(stacked)})) < 0.001 * ({captured} > 100)"
    until(lambda: site.prometheus.query(gap), 60, lambda: str([site.prometheus.query(each) for each in stacked]))


def test_the_equation_is_balanced_since_the_aggregator_began(site: Watched) -> None:
    """Each term counted for itself."""
    fates = ("observed_total", "dead_lettered_total", "dropped_total", "unexplained_total", "open_frames")
    residue = "sum(emostream_log_captured_total)" + "".join(f" - sum(emostream_log_{fate})" for fate in fates)
    until(lambda: site.prometheus.query(f"{residue} == 0"), 30, "captured is not the sum of the others")
    at_least = {"captured": 100, "observed": 100, "dead_lettered": BROKEN, "dropped": CLAIMED, "unexplained": 0}
    for fate, frames in at_least.items():
        (sample,) = site.prometheus.query(f"sum(emostream_log_{fate}_total)")
        assert sample.value >= frames, fate
    assert not site.prometheus.query("sum(emostream_log_unexplained_total) > 0")
