"""Three hosts with a broker each, Ray and two model servers, and what is lost of them: see tests/nodes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.compose.file import ROOT
from tests.nodes.__main__ import lacking

SECONDS = 2400

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack"), pytest.mark.timeout(SECONDS + 20)]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if reason := lacking():
        pytest.skip(reason)
    file: Path = tmp_path_factory.mktemp("nodes") / "nodes.json"
    command = [sys.executable, "-m", "tests.nodes", "--report", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert file.exists(), done.stderr[-6000:]
    (row,) = json.loads(file.read_text())
    return row  # type: ignore[no-any-return]


def test_every_loss_is_survived_and_the_equation_holds(report: dict[str, Any]) -> None:
    assert report["wrong"] == []
    assert [loss["loss"] for loss in report["losses"]] == ["node", "broker", "model server", "head"]
    assert report["balanced"]
    assert (report["lost"], report["duplicates"]) == (0, 0)
    assert report["frames"] > 0


def test_the_analyzers_of_a_lost_host_go_on_elsewhere(report: dict[str, Any]) -> None:
    loss = report["losses"][0]
    assert loss["host"] in loss["analyzers_before"]
    assert loss["host"] not in loss["analyzers_after"]
    assert sum(loss["analyzers_after"].values()) == 2
