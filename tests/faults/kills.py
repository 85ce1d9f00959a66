"""kill -9 of the system's own processes, at random moments."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Sequence

import psutil

from pipeline.local.stack import LocalStack
from tests.faults import victims
from tests.faults.fault import Conditions, Outcome, fault
from tests.faults.site import Site

SMALL = "size=160x120&people=1"
TORCHSERVE = {"kind": "torchserve-grpc", "timeout_seconds": 10}
RECOVERY_SECONDS = 20.0
ENDS_ANALYZERS = ("raylet", "head", "model frontend")
A_MINUTE = 3  # kills of one kind: whoever keeps a role gives up one that ends more often


def live(count: int, fps: float = 10) -> list[str]:
    """Synthetic cameras that play in real time, for ever."""
    return [f"synthetic:?{SMALL}&seed={n}&fps={fps:g}&loop=true&id=live-{n}" for n in range(1, count + 1)]


def unpaced(count: int) -> list[str]:
    """Synthetic cameras that are read as fast as the system takes it, for ever. All but the first show empty rooms."""
    people = [1] + [0] * (count - 1)
    return [
        f"synthetic:?size=160x120&people={shown}&seed={n}&frames=500&loop=true&realtime=false&id=fast-{n}"
        for n, shown in enumerate(people, 1)
    ]


@fault
def analyzers(conditions: Conditions) -> Outcome:
    """30 kills of analyzers under live cameras; another takes over within 20 s."""
    with conditions.stack(conditions.settings(classify=TORCHSERVE, analyze={"actors": 2})) as stack:
        return _killed_in_turn(conditions, stack, "analyzer", conditions.count(30), live(4))


@fault
def capture_children(conditions: Conditions) -> Outcome:
    """30 kills of cameras' processes; each camera connects again, in a new session."""
    with conditions.stack(conditions.settings()) as stack:
        return _killed_in_turn(conditions, stack, "capture child", conditions.count(30), live(4))


@fault
def model_worker(conditions: Conditions) -> Outcome:
    """10 kills of TorchServe's worker; frames wait, TorchServe starts another."""
    with conditions.stack(conditions.settings(classify=TORCHSERVE)) as stack:
        return _killed_in_turn(conditions, stack, "model worker", conditions.count(10), live(2, fps=5), 60)


@fault
def model_frontend(conditions: Conditions) -> Outcome:
    """5 kills of TorchServe itself; it is started again with another token, and the analyzers with it."""
    with conditions.stack(conditions.settings(classify=TORCHSERVE)) as stack:
        return _killed_in_turn(conditions, stack, "model frontend", conditions.count(5), live(2, fps=5), 60)


@fault
def ray_raylet(conditions: Conditions) -> Outcome:
    """5 kills of Ray's raylet; Ray is started again, and the analyzers on it."""
    with conditions.stack(conditions.settings(classify=TORCHSERVE)) as stack:
        return _killed_in_turn(conditions, stack, "raylet", conditions.count(5), live(2), 60)


@fault
def ray_head(conditions: Conditions) -> Outcome:
    """5 kills of Ray's head; Ray is started again, and the analyzers on it."""
    with conditions.stack(conditions.settings(classify=TORCHSERVE)) as stack:
        return _killed_in_turn(conditions, stack, "head", conditions.count(5), live(2), 60)


@fault
def broker(conditions: Conditions) -> Outcome:
    """10 kills of the only broker; it is started again with what it had stored."""
    with conditions.stack(conditions.settings()) as stack:
        return _killed_in_turn(conditions, stack, "broker", conditions.count(10), live(2), 60)


def _killed_in_turn(
    conditions: Conditions, stack: LocalStack, what: str, kills: int, uris: list[str], within: float = RECOVERY_SECONDS
) -> Outcome:
    """One kill, its recovery awaited, a random pause, the next."""
    rng = conditions.rng
    recoveries = []
    with Site(stack, conditions.folder, uris) as site:
        site.begin()
        for number in range(kills):
            time.sleep(rng.uniform(0.2, 3))
            victim = victims.one_of(what, rng.choice)
            if what in ENDS_ANALYZERS:
                recoveries.append(_by_others(site, victim))
            else:
                recoveries.append(site.recovered(victims.kill(victim)))
            conditions.say(f"  {what} {number + 1}/{kills}: {recoveries[-1]:.1f} s")
            if len(recoveries) >= A_MINUTE:
                time.sleep(max(0.0, 60 / A_MINUTE - recoveries[-1]) if what != "capture child" else 0)
        outcome = site.finish()
    outcome.recoveries = recoveries
    outcome.figures |= {"kills": kills, "victim": what, "cameras": len(uris)}
    outcome.recovered(within)
    return outcome


def _may_be_killed(latest: Sequence[float]) -> bool:
    """`latest`: when its kind was killed of late, at most A_MINUTE times."""
    return len(latest) < A_MINUTE or time.monotonic() - latest[0] > 60


def _by_others(site: Site, victim: psutil.Process) -> float:
    """Recovery by analyzers that were not there before: the old ones may go on for a moment."""
    old = {process.pid for process in victims.find("analyzer")}
    killed = victims.kill(victim)
    site.wait(lambda: not old & {process.pid for process in victims.find("analyzer")}, 60, "the old analyzers go on")
    gone = time.time()
    return gone - killed + site.recovered(gone)


@fault
def kills(conditions: Conditions) -> Outcome:
    """100 kills of analyzers, cameras' processes, model worker and aggregator while 100,000 frames go through."""
    frames, wanted = conditions.count(100_000), conditions.count(100)
    rng = conditions.rng
    killed: Counter[str] = Counter()
    latest: dict[str, deque[float]] = {}
    kinds = ("analyzer", "capture child", "model worker", "aggregate")
    settings = conditions.settings(classify=TORCHSERVE, analyze={"actors": 2})
    with conditions.stack(settings) as stack, Site(stack, conditions.folder, unpaced(4)) as site:
        site.begin(100)
        for due in sorted(rng.uniform(100, 0.98 * frames) for _ in range(wanted)):
            site.frames(int(due), 1800)
            time.sleep(rng.uniform(0, 1))
            while not (ready := [kind for kind in kinds if _may_be_killed(latest.get(kind, ()))]):
                time.sleep(1)
            what = rng.choice(ready)
            victims.kill(victims.one_of(what, rng.choice))
            killed[what] += 1
            latest.setdefault(what, deque(maxlen=A_MINUTE)).append(time.monotonic())
            if killed.total() % 10 == 0:
                conditions.say(f"  {killed.total()}/{wanted} kills, {site.log.new()} frames")
        site.frames(frames, 1800)
        outcome = site.finish(600)
    outcome.figures |= {"kills": dict(killed), "cameras": 4, "classify": "torchserve-grpc"}
    outcome.hold(outcome.frames >= frames, f"only {outcome.frames} frames")
    return outcome
