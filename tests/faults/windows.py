"""Windows after kills of the aggregator, against an undisturbed run over the same records."""

from __future__ import annotations

import time
from contextlib import ExitStack

from pipeline.kafka.clients import producer
from pipeline.kafka.reader import Reader
from pipeline.messages import Window
from pipeline.settings import KafkaSettings
from pipeline.topics import CAMERA_STATUS, EVENTS, name
from tests.faults import victims
from tests.faults.fault import Conditions, Outcome, fault
from tests.faults.kills import SMALL
from tests.faults.site import Site

Told = dict[tuple[str, int], Window]
CAMERAS = 3
PATIENCE = 180.0
AGGREGATE = {
    "windows": [{"seconds": 20}, {"seconds": 60, "every_seconds": 20}],
    "grace_seconds": 20,
    "idle_seconds": 3600,  # idle records would tell of the time of the run
}


@fault
def aggregator(conditions: Conditions) -> Outcome:
    """20 kills of the aggregator: the windows are those of an undisturbed run, by key and revision."""
    kills, frames = conditions.count(20, 3), conditions.count(6000, 1000)
    rng = conditions.rng
    uris = [f"synthetic:?{SMALL}&seed={n}&frames={frames}&realtime=false&id=file-{n}" for n in range(1, CAMERAS + 1)]
    with ExitStack() as exits:
        stack = exits.enter_context(conditions.stack(conditions.settings(aggregate=AGGREGATE)))
        site = exits.enter_context(Site(stack, conditions.folder, uris))
        site.begin()
        for _ in range(kills):
            time.sleep(rng.uniform(1, 8))
            victims.kill(victims.one_of("aggregate", rng.choice))
        site.wait(lambda: site.log.new() >= CAMERAS * frames, 1200, "frames")
        outcome = site.finish(600)
        for _ in range(2):  # what was told to the last is not told anew
            time.sleep(rng.uniform(5, 10))
            victims.kill(victims.one_of("aggregate", rng.choice))
        calm = exits.enter_context(Site(stack, conditions.folder, uris))
        for topic in (CAMERA_STATUS, EVENTS):
            _copy(site.settings.kafka, calm.settings.kafka, topic)
        calm.start("aggregate")
        want, got = _settled(calm, site)
    differ = sorted(key for key in want.keys() | got.keys() if want.get(key) != got.get(key))
    outcome.figures |= {"kills": kills, "windows": len(want), "windows_that_differ": len(differ)}
    if differ:
        outcome.figures["first_difference"] = [differ[0], _dump(want.get(differ[0])), _dump(got.get(differ[0]))]
    outcome.hold(bool(want), "no window was told")
    outcome.hold(not differ, f"{len(differ)} of {len(want)} windows differ, the first is {differ[:1]}")
    return outcome


def _dump(window: Window | None) -> object:
    return None if window is None else window.model_dump(mode="json")


def _settled(calm: Site, disturbed: Site) -> tuple[Told, Told]:
    """The windows of both, once they are alike or nothing comes any more."""
    give_up = time.monotonic() + PATIENCE
    while True:
        want, got = _told(calm), _told(disturbed)
        if (want and want == got) or time.monotonic() > give_up:
            return want, got
        time.sleep(1)


def _told(site: Site) -> Told:
    """By key and revision. One that is told twice has to be told alike."""
    told: Told = {}
    for window in site.windows():
        assert told.setdefault((window.key, window.revision), window) == window, f"{window.key} is told in two ways"
    return told


def _copy(source: KafkaSettings, target: KafkaSettings, topic: str) -> None:
    """Record for record, to the same partition."""
    writer = producer(target)
    with Reader(source, [topic]) as reader:
        reader.from_beginning()
        for record in reader.to_end():
            writer.send(name(target, topic), record.value, record.key, record.headers, partition=record.partition)
    writer.flush()
    writer.close()
