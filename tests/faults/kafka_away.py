"""Kafka that is away, stands still, cannot write, or loses one broker of three."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from pipeline.kafka.reader import Reader
from pipeline.messages import Kind, frame_identity, record_kind
from pipeline.topics import FRAMES
from tests.faults import victims
from tests.faults.brokers import Brokers
from tests.faults.fault import Conditions, Outcome, fault
from tests.faults.kills import live
from tests.faults.site import Site

BUFFER_MEBIBYTES = 8
MEMORY_FACTOR = 4  # a frame held is in our hands, in kafka-python's batch, and for a moment in both halves of a copy
BACK_SECONDS = 30.0
PAUSE_SECONDS = 15.0
LARGE = [f"synthetic:?size=640x480&people=1&seed={n}&fps=10&quality=95&loop=true&id=live-{n}" for n in (1, 2, 3)]


@fault
def unreachable(conditions: Conditions) -> Outcome:
    """Kafka unreachable for 5 minutes: memory bounded, drops counted exactly, back within 30 s."""
    seconds = max(30.0, 300 * conditions.scale)
    settings = conditions.settings(
        capture={"buffer_mebibytes": BUFFER_MEBIBYTES, "buffer_frames_per_camera": 10_000}, analyze={"actors": 1}
    )
    with Brokers(settings, conditions.folder) as brokers, Site(brokers, conditions.folder, LARGE) as site:
        site.begin()
        before = victims.memory("capture")
        brokers.proxy.cut()
        peak = _peak(seconds)
        brokers.proxy.mend()
        recovery = site.recovered(time.time(), 180)
        outcome = site.finish()
        in_log = _frames_in_log(site)
    grown = peak - before
    outcome.recoveries = [recovery]
    outcome.figures |= {
        "away_seconds": seconds, "buffer_mebibytes": BUFFER_MEBIBYTES, "capture_grew_mebibytes": round(grown, 1),
        "frames_in_log": in_log,
    }  # fmt: skip
    dropped = sum(outcome.figures["dropped"].values())
    outcome.recovered(BACK_SECONDS)
    outcome.hold(dropped > 0, "nothing was dropped: the buffer was not filled")
    outcome.hold(in_log == outcome.frames - dropped, f"{outcome.frames} - {dropped} dropped, but {in_log} in the log")
    outcome.hold(grown <= MEMORY_FACTOR * BUFFER_MEBIBYTES, f"capture grew by {grown:.0f} MiB")
    return outcome


@fault
def refused(conditions: Conditions) -> Outcome:
    """Kafka's port refuses connections for a minute."""
    seconds = max(20.0, 60 * conditions.scale)
    with _one_broker(conditions) as (brokers, site):
        brokers.proxy.refuse()
        time.sleep(seconds)
        brokers.proxy.mend()
        return _ended(site, time.time(), seconds)


@fault
def broker_stopped(conditions: Conditions) -> Outcome:
    """The broker stands still (SIGSTOP) for a minute and goes on."""
    seconds = max(20.0, 60 * conditions.scale)
    with _one_broker(conditions) as (brokers, site):
        process = _java(brokers, 0)
        process.suspend()
        time.sleep(seconds)
        process.resume()
        return _ended(site, time.time(), seconds)


@fault
def disk_full(conditions: Conditions) -> Outcome:
    """The broker's writes fail (a limit on its files), it ends, and comes back a minute later with room."""
    seconds = max(20.0, 60 * conditions.scale)
    with _one_broker(conditions) as (brokers, site):
        process = _java(brokers, 0)
        brokers.held = True
        process.rlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        time.sleep(seconds)
        ended = not process.is_running()
        with suppress(psutil.NoSuchProcess):
            process.kill()
        brokers.held = False
        outcome = _ended(site, time.time(), seconds)
    outcome.figures["ended_by_itself"] = ended
    return outcome


@fault
def one_of_three(conditions: Conditions) -> Outcome:
    """Three brokers, RF 3: any one is killed, 10 times; no acknowledged record is lost, pauses stay under 15 s."""
    kills = conditions.count(10, 3)
    rng = conditions.rng
    recoveries = []
    with (
        Brokers(conditions.settings(), conditions.folder, 3) as brokers,
        Site(brokers, conditions.folder, live(4)) as site,
    ):
        site.begin()
        for number in range(kills):
            time.sleep(rng.uniform(1, 4))
            brokers.held = True
            node = number % 3 if number < 3 else rng.randrange(3)  # each once, whatever the seed
            killed = victims.kill(_java(brokers, node))
            recoveries.append(site.recovered(killed))
            conditions.say(f"  broker {node + 1}: {recoveries[-1]:.1f} s")
            brokers.held = False
            site.wait(brokers.whole, 120, "the broker does not come back")
        outcome = site.finish()
        in_log = _frames_in_log(site)
    outcome.recoveries = recoveries
    dropped = sum(outcome.figures["dropped"].values())
    outcome.figures |= {"kills": kills, "replication": 3, "frames_in_log": in_log}
    outcome.hold(in_log == outcome.frames - dropped, f"{outcome.frames} - {dropped} dropped, but {in_log} in the log")
    outcome.recovered(PAUSE_SECONDS)
    return outcome


@contextmanager
def _one_broker(conditions: Conditions) -> Iterator[tuple[Brokers, Site]]:
    """Two live cameras whose frames are read, on a broker that can be spoiled."""
    with (
        Brokers(conditions.settings(), conditions.folder) as brokers,
        Site(brokers, conditions.folder, live(2)) as site,
    ):
        site.begin()
        yield brokers, site


def _ended(site: Site, since: float, away: float) -> Outcome:
    recovery = site.recovered(since, 180)
    outcome = site.finish()
    outcome.recoveries = [recovery]
    outcome.figures["away_seconds"] = away
    outcome.recovered(BACK_SECONDS)
    return outcome


def _java(brokers: Brokers, number: int) -> psutil.Process:
    """The broker itself, not its guardian."""
    return psutil.Process(brokers.nodes[number].process.pid).children()[0]


def _peak(seconds: float) -> float:
    """Most MiB that capture held within that time."""
    end, peak = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        peak = max(peak, victims.memory("capture"))
        time.sleep(1)
    return peak


def _frames_in_log(site: Site) -> int:
    """Different frames that stand on `frames`: counted by themselves, not by what was said of them."""
    found = set()
    with Reader(site.settings.kafka, [FRAMES]) as reader:
        reader.from_beginning()
        for record in reader.to_end():
            if record_kind(record.headers) is Kind.FRAME:
                found.add(frame_identity(dict(record.headers)))
    return len(found)
