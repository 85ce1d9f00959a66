"""Every service of docker-compose.yml by its own command, in the environment, user, files and networks that it gives.

Without an engine: see tests/compose. Grafana is not run, since nothing here brings its program; of Kafka's image the
scripts are stood in for by the same classes of the same version.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.compose.file import ROOT

NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
TOOLS = ("prometheus", "prometheus-alertmanager", "wget", "ip", "nsenter", "setpriv")
CAMERA = """
import sys
sys.path.append("/usr/lib/python3/dist-packages")
import gi
gi.require_version("GstRtspServer", "1.0")
"""
SECONDS = 570

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack"), pytest.mark.timeout(SECONDS + 20)]


def lacking() -> str:
    """What keeps the test from being run here; empty: nothing."""
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"not installed: {', '.join(missing)}"
    if os.geteuid() or subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode:
        return "namespaces cannot be made here: it takes root"
    if subprocess.run([sys.executable, "-c", CAMERA], capture_output=True, check=False).returncode:
        return "no GStreamer RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi"
    return ""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What tests.compose saw. EMOSTREAM_TEST_REPORTS: a folder for it."""
    if reason := lacking():
        pytest.skip(reason)
    folder: Path = tmp_path_factory.mktemp("compose") / "run"
    command = [*NAMESPACES, sys.executable, "-m", "tests.compose", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-6000:]
    reports = Path(os.environ.get("EMOSTREAM_TEST_REPORTS", folder))
    (reports / "compose.json").write_text(done.stdout)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_every_service_comes_to_be_healthy(report: dict[str, Any]) -> None:
    """By its own health check, those it waits for before it."""
    after = report["ready_after"]
    assert after.keys() == {
        *("kafka", "topics", "torchserve", "ray-head", "ray-worker", "analyze", "aggregate", "capture", "api"),
        *("dashboard", "camera", "camera-added", "prometheus", "alertmanager"),
    }
    assert after["kafka"] <= after["topics"] <= after["capture"] <= after["camera-added"]
    assert after["torchserve"] <= after["analyze"]


def test_frames_of_the_camera_go_in_and_faces_come_out(report: dict[str, Any]) -> None:
    assert report["frames"]["cameras"] == ["demo"]
    assert report["frames"]["with_faces"] >= 20
    assert report["frames"]["model"].startswith("emonext")


def test_the_api_is_ready_and_the_page_answers(report: dict[str, Any]) -> None:
    assert report["ready"]["checks"]["ready"] is True
    assert report["ready"]["cameras"] == ["demo"]
    assert report["page"]["without_token"] in (303, 307, 401)
    assert report["page"]["with_token"] == report["page"]["through_to_api"] == 200


def test_prometheus_reaches_every_process(report: dict[str, Any]) -> None:
    up = report["roles_scraped"]
    assert up["analyze"] == 2
    assert all(up[role] >= 1 for role in ("capture", "aggregate", "api", "dashboard", "torchserve"))


def test_analyzers_are_on_rays_workers_and_the_api_on_its_head(report: dict[str, Any]) -> None:
    assert report["placed"] == {"analyze": ["ray-worker"], "api": ["ray-head"]}


def test_what_is_published_can_be_reached_and_nothing_else(report: dict[str, Any]) -> None:
    assert set(report["published"]) == {"ray-head:8400", "dashboard:8401", "prometheus:9090"}
    assert len(report["hidden"]) >= 8


def test_a_model_server_that_comes_back_is_asked_with_its_new_token(report: dict[str, Any]) -> None:
    assert report["restarted"]["model_server_starts"] == 2
