"""Faults, made for real, each with the alerts that it has to raise."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from kafka import TopicPartition

from pipeline.console import rollout
from pipeline.kafka.clients import admin
from pipeline.kafka.lag import Lag
from pipeline.local.stack import LocalStack
from pipeline.messages import Bounds
from pipeline.topics import FRAMES, plan
from serving.server.management import Management
from serving.server.package import ServerSettings
from tests.alerts_real.camera import ROOM
from tests.alerts_real.servers import until
from tests.alerts_real.strangers import BROKEN, CLAIMED, LATE, Stranger
from tests.alerts_real.watched import SITE, Alerts, Watched
from tests.faults import victims
from tests.faults.cameras import Clock
from tests.other_models import version

AHEAD = 60  # seconds that a clock is set: more than windows wait for late frames
DELAY = 0.6  # seconds that a piece of data takes to the model, and back
WAITING = 100  # frames
LEFT = 0.05  # part of a full disk

Step = Callable[[Watched], object]


@dataclass(frozen=True)
class Fault:
    """`make` and `undo` of what raises `alerts`, by name, each with the labels that it must have."""

    alerts: Alerts
    make: Step
    undo: Step = lambda site: None


def together(site: Watched, *faults: Fault) -> None:
    """All of them made, all of their alerts awaited, all undone, all alerts awaited to be over."""
    alerts = {name: labels for fault in faults for name, labels in fault.alerts.items()}
    site.quiet(alerts)
    began = time.monotonic()
    for fault in faults:
        fault.make(site)
    site.fire(began, alerts)
    over = time.monotonic()
    for fault in faults:
        fault.undo(site)
    site.clear(over, alerts)


def of_camera(name: str, **labels: str) -> dict[str, str]:
    return {"site": SITE, "camera_id": name, **labels}


def killed(camera: str, **alerts: dict[str, str]) -> Fault:
    """-9. `alerts`: beside CameraDown."""
    raised = {"CameraDown": of_camera(camera), **alerts}
    return Fault(raised, lambda site: site.cameras[camera].kill(), lambda site: site.cameras[camera].start())


def silent(camera: str) -> Fault:
    """It stands still (SIGSTOP): its connection stays, and nothing more comes."""
    raised = {"CameraSilent": of_camera(camera)}
    return Fault(raised, lambda site: site.cameras[camera].suspend(), lambda site: site.cameras[camera].resume())


def shows(camera: str, mode: str, alerts: Alerts) -> Fault:
    return Fault(alerts, lambda site: site.cameras[camera].show(mode), lambda site: site.cameras[camera].show(ROOM))


def broken_frames() -> Fault:
    def make(site: Watched) -> None:
        stranger = Stranger(site.roles.settings, "broken")
        stranger.send(BROKEN, "truncated")
        stranger.leave()

    return Fault({"DeadLetters": {"site": SITE, "reason": "truncated"}}, make)


def claimed_frames() -> Fault:
    """A ledger record speaks of frames that nobody sent."""
    strangers: list[Stranger] = []

    def make(site: Watched) -> None:
        stranger = Stranger(site.roles.settings, "boaster")
        stranger.send(2)
        stranger.claim(CLAIMED)
        strangers.append(stranger)

    def undo(site: Watched) -> None:
        stranger = strangers.pop()
        stranger.admit(CLAIMED)
        stranger.leave()

    return Fault({"EquationUnbalanced": of_camera("boaster")}, make, undo)


def late_frames() -> Fault:
    def make(site: Watched) -> None:
        stranger = Stranger(site.roles.settings, "latecomer")
        stranger.send_late(LATE)
        stranger.leave()

    return Fault({"LateEvents": {"site": SITE}}, make)


def refused_posts() -> Fault:
    def answer(site: Watched, status: int) -> None:
        site.desk.status = status
        site.alert()

    return Fault({"WebhooksFailing": {"site": SITE}}, lambda site: answer(site, 500), lambda site: answer(site, 204))


def gone(role: str, alerts: Alerts) -> Fault:
    """A role that is stopped, and started again."""
    return Fault(alerts, lambda site: site.roles.stop(role), lambda site: site.roles.start(role))


def all_off() -> Fault:
    roles = ("capture", "analyze", "api", "webhooks", "aggregate")

    def off(site: Watched) -> None:
        for role in roles:
            site.roles.stop(role)

    def on(site: Watched) -> None:
        for role in reversed(roles):
            site.roles.start(role)

    return Fault({"SiteDown": {"site": SITE}}, off, on)


def read_too_late() -> Fault:
    """Frames wait, Kafka deletes the first of them, and then they are read."""

    def make(site: Watched) -> None:
        site.roles.stop("analyze")
        before = site.roles.lag()
        until(lambda: site.roles.lag() > before + WAITING, 60, "no frames wait")
        _delete_unread(site)
        site.roles.start("analyze")

    return Fault({"FramesExpired": {"site": SITE}}, make)


def _delete_unread(site: Watched) -> None:
    kafka = site.roles.settings.kafka
    topic = plan(kafka)[FRAMES]
    with Lag(kafka) as lag:
        committed = lag.committed()
    client = admin(kafka)
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        client.delete_records({at: committed[at] + LATE for at in partitions if at in committed})
    finally:
        client.close()


def standing_still(what: str, alerts: Alerts) -> Fault:
    """A process of the system is stopped (SIGSTOP), and goes on. `what`: see victims."""
    found: list[psutil.Process] = []

    def make(site: Watched) -> None:
        found.append(victims.one_of(what, lambda processes: processes[-1]))
        found[-1].suspend()

    return Fault(alerts, make, lambda site: found.pop().resume())


def model_fails_now_and_then() -> Fault:
    def make(site: Watched) -> None:
        assert site.model is not None
        give_up = time.monotonic() + 120
        while not site.prometheus.fires("ModelErring"):
            assert time.monotonic() < give_up, "requests fail, and ModelErring does not fire"
            site.model.refuse()
            time.sleep(2.0)
            site.model.mend()
            time.sleep(1.0)

    return Fault({"ModelErring": {"site": SITE}}, make)


def model_is_slow() -> Fault:
    def delay(site: Watched, seconds: float) -> None:
        assert site.model is not None
        site.model.delay = seconds

    return Fault({"ModelSlow": {"site": SITE}}, lambda site: delay(site, DELAY), lambda site: delay(site, 0.0))


def version_reads_otherwise(folder: Path) -> Fault:
    """A version is brought in whose expressions have each other's names."""

    def make(site: Watched) -> None:
        stack = site.roles._parts
        assert isinstance(stack, LocalStack)
        server = Management(stack.run.torchserve)
        name = server.register(version(folder, "otherwise", permuted=True), "emonext", ServerSettings())
        rollout.start(site.roles.settings, name, "10m", "50%", Bounds(), "tests", "")

    return Fault({"VersionTakenBack": {"site": SITE}}, make)


def wrong_clock(clock: Clock) -> Fault:
    """`clock`: that the aggregator was started with."""
    raised = {"ClockOffset": {"site": SITE, "role": "aggregate"}, "ClocksBeyondGrace": {"site": SITE}}
    return Fault(raised, lambda site: clock.set("aggregate", AHEAD), lambda site: clock.set("aggregate", 0))


def full_disk(disk: Path) -> Fault:
    """`disk`: a mount of its own, on which Kafka writes."""
    filler = disk / "filler"

    def make(site: Watched) -> None:
        usage = shutil.disk_usage(disk)
        with filler.open("wb") as out:
            os.posix_fallocate(out.fileno(), 0, int(usage.free - LEFT * usage.total))

    return Fault({"KafkaDiskFull": {"site": SITE}}, make, lambda site: filler.unlink())
