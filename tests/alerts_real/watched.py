"""A site that runs under Prometheus and Alertmanager, with cameras that can be broken."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.kafka.clients import producer
from pipeline.local.ports import LOOPBACK, free_ports
from pipeline.local.stack import LocalStack
from pipeline.messages import Alert, headers_of
from pipeline.topics import ALERTS, name
from tests.alerts_real.camera import Camera
from tests.alerts_real.servers import Prometheus, Receiver, Site, alertmanager, prometheus, receiver, until
from tests.faults.proxy import Proxy
from tests.faults.site import Site as Roles
from tests.records import alert

ROLES = ("aggregate", "webhooks", "api", "analyze", "capture")
START_SECONDS = 120.0
FIRE_SECONDS = 200.0
CLEAR_SECONDS = 300.0
SITE = "house"
TOKEN = secrets.token_hex(16)
SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four or more bytes").decode()
MODEL_SECONDS = 4.0  # so long an answer of the model is waited for

Alerts = dict[str, dict[str, str]]
"""By name, each with labels that it has, among others."""


@dataclass
class Watched:
    """What runs. `objectives`: another Prometheus, in a greater hurry, for what burns over days; None: not asked.

    `told`: what Alertmanager tells; `desk`: the webhook of the site itself; `model`: the way to the model server.
    """

    roles: Roles
    cameras: dict[str, Camera]
    prometheus: Prometheus
    objectives: Prometheus | None
    told: Receiver
    desk: Receiver
    model: Proxy | None
    rows: list[dict[str, Any]] = field(default_factory=list)
    say: Callable[[str], None] = lambda line: None

    def quiet(self, alerts: Alerts) -> None:
        """Until none of these fires any more: what is slow at the start is over."""
        still = lambda: [each for each in alerts if self._server(each).fires(each)]  # noqa: E731
        until(lambda: not still(), CLEAR_SECONDS, lambda: f"{still()} fire before anything was broken")

    def _server(self, alert: str) -> Prometheus:
        return self.objectives if "Burns" in alert and self.objectives else self.prometheus

    def fire(self, since: float, alerts: Alerts) -> None:
        """Until each of these fires. `since`: monotonic, when its fault was made."""
        self._await(alerts, since, True, FIRE_SECONDS)

    def clear(self, since: float, alerts: Alerts) -> None:
        self._await(alerts, since, False, CLEAR_SECONDS)

    def _await(self, alerts: Alerts, since: float, firing: bool, patience: float) -> None:
        waiting = dict(alerts)

        def all_there() -> bool:
            for each, labels in list(waiting.items()):
                if self._server(each).fires(each, **labels) == firing:
                    del waiting[each]
                    self._book(each, labels, "fired_after" if firing else "cleared_after", time.monotonic() - since)
            return not waiting

        until(all_there, patience, lambda: f"{sorted(waiting)} do not {'fire' if firing else 'clear'}")

    def _book(self, each: str, labels: dict[str, str], what: str, seconds: float) -> None:
        row = next((row for row in self.rows if row["alert"] == each), None)
        if row is None:
            row = {"alert": each, **({"labels": labels} if labels else {})}
            self.rows.append(row)
        row[what] = round(seconds, 1)
        self.say(f"  {each:22} {what.replace('_', ' ')} {row[what]} s")

    def alert(self, **values: object) -> Alert:
        """Written to emotion-alerts, as the aggregator would."""
        made = alert(site=self.roles.settings.site, alert_id=secrets.token_hex(8), **values)
        writer = producer(self.roles.settings.kafka)
        topic = name(self.roles.settings.kafka, ALERTS)
        writer.send(topic, made.encode(), made.owner.encode(), headers_of(made))
        writer.close(timeout=10)
        return made


@contextmanager
def watched(
    stack: LocalStack, folder: Path, cameras: int = 3, *, factor: float = 10, objectives: float = 0, **changes: Any
) -> Iterator[Watched]:
    """A site with so many cameras on the stack, seen by Prometheus in all its roles, all well."""
    with ExitStack() as exits:
        shown = {f"room-{n}": exits.enter_context(Camera(folder, f"room-{n}", n)) for n in range(1, cameras + 1)}
        desk = exits.enter_context(receiver())
        model = _between(stack, exits)
        roles = _roles(stack, folder, shown, desk, model, changes)
        exits.enter_context(roles)
        for role in ROLES:
            roles.start(role)
        messages = exits.enter_context(receiver())
        port = exits.enter_context(alertmanager(folder, messages.server_port))
        listed = stack.run.path / "metrics"
        listed.mkdir(exist_ok=True)
        site = Site(
            SITE,
            f"http://{LOOPBACK}:{roles.settings.api.port}/v1/prometheus/targets",
            TOKEN,
            str(listed / "torchserve.json"),
        )
        main = exits.enter_context(prometheus(folder / "main", site, factor, port))
        quick = exits.enter_context(prometheus(folder / "objectives", site, objectives)) if objectives else None
        found = Watched(roles, shown, main, quick, messages, desk, model)
        all_up = f'count(max by (role) (up{{site="{SITE}"}}) == 1) == {len(ROLES) + (model is not None)}'
        until(lambda: main.query(all_up), START_SECONDS, "Prometheus does not see all roles")
        seen = f'count(rate(emostream_log_observed_total{{site="{SITE}"}}[10s]) > 0) == {cameras}'
        until(lambda: main.query(seen), START_SECONDS, "the aggregator does not tell of all cameras")
        yield found


def _between(stack: LocalStack, exits: ExitStack) -> Proxy | None:
    """A network to the model that can fail, where there is a model server."""
    if stack.settings.classify.kind == "in-process":
        return None
    proxy = Proxy()
    exits.callback(proxy.close)
    proxy.to(int(stack.settings.classify.url.rpartition(":")[2]))
    return proxy


def _roles(
    stack: LocalStack, folder: Path, cameras: dict[str, Camera], desk: Receiver, model: Proxy | None, changes: Any
) -> Roles:
    (port,) = free_ports(1)
    classify = stack.settings.classify.model_copy(update={"timeout_seconds": MODEL_SECONDS})
    if model is not None:
        classify = classify.model_copy(update={"url": f"{classify.url.rpartition(':')[0]}:{model.port}"})
    url = f"http://{LOOPBACK}:{desk.server_port}/desk"
    address = {"id": "desk", "url": url, "secret": SECRET, "backoff_seconds": 0.5, "backoff_max_seconds": 1}
    return Roles(
        stack,
        folder,
        [camera.uri for camera in cameras.values()],
        **{
            "site": SITE,
            "policy": {"purpose": "alerts of emostream, made to fire", "setting": "demonstration"},
            "classify": classify.model_dump(),
            "webhooks": [address],
            "api": {"port": port, "tokens": [{"name": "prometheus", "role": "viewer", "token": TOKEN}]},
            # a camera that stands still counts as up, so that CameraSilent is what tells; the others come back soon
            "capture": {"stall_timeout_seconds": 600, "backoff_max_seconds": 1, "buffer_frames_per_camera": 20},
            **changes,
        },
    )
