"""The real Alertmanager on the deployed routes: what breaks together is one message, and goes to whom it concerns."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from pipeline.local.ports import LOOPBACK
from tests.alerts_real import deployed
from tests.alerts_real.servers import Receiver, alertmanager, receiver, until

PATIENCE = 30.0
CAMERAS = [f"room-{number}" for number in range(60)]
RULES = deployed.alerts()
PROCESSES = ("capture", "analyze", "aggregate", "webhooks", "api", "dashboard")

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus-alertmanager") is None, reason="apt-get install prometheus-alertmanager"
)

Alert = dict[str, dict[str, str] | str]
Raise = Callable[..., None]


def alert(name: str, **of: str) -> Alert:
    """As Prometheus would send it: `of` are the labels of its series, the rule's own are added."""
    rule = RULES[name]
    own = {
        key: re.sub(r"{{ \$labels\.(\w+) }}", lambda label: of[label[1]], text) for key, text in rule["labels"].items()
    }
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    return {"labels": {**of, **own, "alertname": name}, "endsAt": ends}


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as messages:
        yield messages


@pytest.fixture
def raised(told: Receiver, tmp_path: Path) -> Iterator[Raise]:
    """Raises alerts, all at once, at an Alertmanager of the test's own."""
    with alertmanager(tmp_path, told.server_port) as port:

        def post(*alerts: Alert) -> None:
            httpx.post(f"http://{LOOPBACK}:{port}/api/v2/alerts", json=alerts).raise_for_status()

        yield post


def messages(told: Receiver) -> list[tuple[str, str, int]]:
    """Where each went, of which alert, and of how many of it."""
    return [
        (message["path"], name, sum(each["labels"]["alertname"] == name for each in message["alerts"]))
        for message in list(told.messages)
        for name in sorted({each["labels"]["alertname"] for each in message["alerts"]})
    ]


def test_a_broken_switch_is_one_message_however_many_cameras_are_behind_it(told: Receiver, raised: Raise) -> None:
    of = [{"site": "house", "camera_id": camera} for camera in CAMERAS]
    names = ("CameraDown", "CameraFlapping", "CoverageLow")
    raised(*(alert(name, **each) for name in names for each in of))
    until(lambda: messages(told), PATIENCE, "nobody is told")
    raised(alert("LateEvents", site="house"))  # what else was to be told would have come before it
    until(lambda: told.got("/operators", "LateEvents"), PATIENCE, "nobody is told of the next one")
    assert messages(told) == [("/operators", "CameraDown", len(CAMERAS)), ("/operators", "LateEvents", 1)]


def test_kafkas_end_is_one_call_and_silences_what_follows_from_it(told: Receiver, raised: Raise) -> None:
    dropped = alert("FramesDropped", site="house", camera_id="room-1", reason="buffer_full")
    elsewhere = alert("FramesDropped", site="barn", camera_id="stall", reason="buffer_full")
    cut_off = alert("KafkaUnreachable", site="barn", role="dashboard")
    raised(dropped, elsewhere, cut_off, *(alert("KafkaUnreachable", site="house", role=each) for each in PROCESSES))
    until(lambda: len(messages(told)) >= 3, PATIENCE, "not all are told")
    raised(alert("LateEvents", site="house"))
    until(lambda: told.got("/operators", "LateEvents"), PATIENCE, "nobody is told of the next one")
    assert sorted(messages(told)) == [
        ("/on-call", "KafkaUnreachable", 1),
        ("/on-call", "KafkaUnreachable", len(PROCESSES)),
        ("/operators", "FramesDropped", 1),
        ("/operators", "LateEvents", 1),
    ]


def test_a_site_that_is_off_is_one_call_and_the_dead_mans_switch_goes_on(told: Receiver, raised: Raise) -> None:
    of_site = [alert("RoleDown", site="house", role=role) for role in PROCESSES]
    raised(alert("SiteDown", site="house"), alert("CoverageBurnsFast", site="house"), alert("Watchdog"), *of_site)
    until(lambda: told.got("/on-call", "SiteDown") and told.got("/alive", "Watchdog"), PATIENCE, "nobody is called")
    raised(alert("LateEvents", site="barn"))
    until(lambda: told.got("/operators", "LateEvents"), PATIENCE, "nobody is told of the next one")
    assert {(path, name) for path, name, _ in messages(told)} == {
        ("/on-call", "SiteDown"), ("/alive", "Watchdog"), ("/operators", "LateEvents"),
    }  # fmt: skip
