"""What happens on purpose: members that come and go, upgrades, and the end."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pipeline
import serving
from pipeline.kafka.clients import consumer, subscribe
from pipeline.messages import FrameId
from pipeline.topics import FRAMES, name
from tests.faults.brokers import Brokers
from tests.faults.fault import Conditions, Outcome, fault
from tests.faults.kills import live
from tests.faults.site import Ending, Site

STOP_SECONDS = 15.0


@fault
def rebalance_storm(conditions: Conditions) -> Outcome:
    """Strangers join the analyzers' group and leave it, 40 times: partitions move, no frame is lost."""
    joins = conditions.count(40, 4)
    rng = conditions.rng
    settings = conditions.settings(analyze={"actors": 2})
    with conditions.stack(settings) as stack, Site(stack, conditions.folder, live(4)) as site:
        site.begin()
        for _ in range(joins):
            _visit(site, rng.uniform(0.5, 4))
            time.sleep(rng.uniform(0, 1))
        since = time.time()
        recovery = site.recovered(since)
        outcome = site.finish(600)
    outcome.recoveries = [recovery]
    outcome.figures["joins"] = joins
    return outcome


def _visit(site: Site, seconds: float) -> None:
    """A member that is given partitions, reads what it is given, and commits nothing."""
    kafka = site.settings.kafka
    visitor = consumer(kafka, kafka.group, session_timeout_ms=10_000)
    try:
        subscribe(visitor, kafka, [name(kafka, FRAMES)])
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            visitor.poll(timeout_ms=100)
    finally:
        visitor.close(autocommit=False, timeout_ms=2000)


@fault
def rolling_upgrade(conditions: Conditions) -> Outcome:
    """Each role of another version is started beside the old one, which is stopped then; nothing is lost."""
    seconds = max(8.0, 20 * conditions.scale)
    with (
        Brokers(conditions.settings(), conditions.folder) as brokers,  # each analyze role has a Ray of its own version
        Site(brokers, conditions.folder, live(2)) as site,
    ):
        site.begin()
        endings = []
        with _another_version(conditions.folder):
            for role in ("aggregate", "analyze", "capture"):
                site.start(role, label=f"new-{role}")
                time.sleep(seconds)  # both versions run
                endings.append(site.stop(role))
                began = time.time()
                site.recovered(began)
        time.sleep(seconds)
        recovery = site.recovered(time.time())
        site.stop("new-capture")
        outcome = site.finish(600)
        outcome.figures["sessions"] = len({(each.camera, each.session) for each in site.log.ledgers})
    outcome.recoveries = [recovery]
    _hold_endings(outcome, endings)
    return outcome


@contextmanager
def _another_version(folder: Path) -> Iterator[None]:
    """Roles that are started meanwhile are of a copy of the code whose version is another."""
    copy = folder / "other"
    for package in (pipeline, serving):
        source = Path(package.__file__ or "").parent
        shutil.copytree(source, copy / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    init = copy / "pipeline" / "__init__.py"
    init.write_text(init.read_text().replace(pipeline.__version__, "999.0.0"))
    changes = {"PYTHONPATH": str(copy), "PYTHONSAFEPATH": "1"}
    before = {name: os.environ.get(name) for name in changes}
    os.environ |= changes
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key)
            if value is not None:
                os.environ[key] = value


@fault
def shutdown(conditions: Conditions) -> Outcome:
    """Roles are stopped at random moments, 5 times each: within 15 s, exit code 0, nothing written is uncommitted."""
    rounds = conditions.count(5)
    rng = conditions.rng
    endings, uncommitted = [], 0
    with conditions.stack(conditions.settings()) as stack, Site(stack, conditions.folder, live(2)) as site:
        for _ in range(rounds):
            site.begin()
            time.sleep(rng.uniform(0, 3))
            endings.append(site.stop("analyze"))
            assert site.log.caught_up(60), "the end of emotion-events is not reached"
            unread = [found for found in site.unread() if isinstance(found, FrameId)]
            uncommitted += sum(site.log.knows(frame) for frame in unread)
            endings += [site.stop("capture"), site.stop("aggregate")]
        site.start("analyze")
        outcome = site.finish()
        last = {(each.camera, each.session): each for each in site.log.ledgers}
        open_sessions = [key for key, ledger in last.items() if not ledger.final]
    outcome.figures |= {"written_and_uncommitted": uncommitted, "sessions_without_an_end": len(open_sessions)}
    _hold_endings(outcome, endings)
    outcome.hold(not uncommitted, f"{uncommitted} frames were written and not committed")
    outcome.hold(not open_sessions, f"{len(open_sessions)} sessions have no final ledger record")
    outcome.hold(not outcome.duplicates_raw, f"{outcome.duplicates_raw} frames were written twice")
    return outcome


def _hold_endings(outcome: Outcome, endings: list[Ending]) -> None:
    slowest = max(endings, key=lambda ending: ending.seconds)
    outcome.figures["slowest_stop_seconds"] = round(slowest.seconds, 2)
    outcome.hold(slowest.seconds <= STOP_SECONDS, f"{slowest.role} took {slowest.seconds:.1f} s to stop")
    for ending in endings:
        outcome.hold(ending.code == 0, f"{ending.role} ended with exit code {ending.code}")
