"""Cameras that misbehave, and clocks that jump."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from pipeline.messages import Observation
from tests.faults import victims
from tests.faults.brokers import Brokers
from tests.faults.fault import Conditions, Outcome, Skipped, fault
from tests.faults.frames import Feed, picture
from tests.faults.kills import live
from tests.faults.site import Site

JUMPS = (3600, -3600, 86_400, -5, 30, -1)  # seconds, from the true time
CLOCK = Path(__file__).with_name("clock.c")


@fault
def ten_times_the_rate(conditions: Conditions) -> Outcome:
    """One of three cameras gives 10 times its rate for a minute; the others are read on, the rest is counted."""
    seconds = max(15.0, 60 * conditions.scale)
    loud = "synthetic:?size=640x480&people=2&seed=9&fps=100&loop=true&id=loud"
    with conditions.stack(conditions.settings()) as stack, Site(stack, conditions.folder, [*live(2), loud]) as site:
        site.begin()
        time.sleep(seconds)
        outcome = site.finish(600)
        by_camera = {name.partition("/")[2]: frames for name, frames in site.log.cameras().items()}
    outcome.figures["observed_by_camera"] = {name: frames.observed for name, frames in by_camera.items()}
    for camera in ("live-1", "live-2"):
        frames = by_camera[camera]
        outcome.hold(frames.observed == frames.captured, f"{camera}: {frames.captured - frames.observed} not observed")
    return outcome


@fault
def changing_resolution(conditions: Conditions) -> Outcome:
    """A camera changes its resolution with every tenth frame; each frame is observed at its own size."""
    count = conditions.count(2000, 100)
    rng = conditions.rng
    with conditions.stack(conditions.settings()) as stack, Site(stack, conditions.folder) as site:
        site.start("analyze")
        feed = Feed(site.settings.kafka, site.settings.site, "cam")
        size, sizes = (160, 120), []
        for number in range(count):
            if number % 10 == 0:
                size = rng.randrange(8, 160) * 8, rng.randrange(8, 96) * 8
            sizes.append(size)
            feed.send(feed.frame(picture(rng, *size), *size))
        feed.close()
        outcome = site.finish(600)
        seen = {m.seq: (m.width, m.height) for m in site.messages() if isinstance(m, Observation)}
    outcome.figures["sizes"] = len(set(sizes))
    outcome.hold(seen == dict(enumerate(sizes)), "a frame was not observed at its own size")
    return outcome


@fault
def standing_still(conditions: Conditions) -> Outcome:
    """A camera's process stands still (SIGSTOP), three times; it is replaced, and the camera goes on."""
    stalls = conditions.count(3)
    recoveries = []
    settings = conditions.settings(capture={"stall_timeout_seconds": 5})
    with conditions.stack(settings) as stack, Site(stack, conditions.folder, live(2)) as site:
        site.begin()
        for _ in range(stalls):
            victim = victims.one_of("capture child", conditions.rng.choice)
            victim.suspend()
            began = time.time()
            gone = lambda victim=victim: not psutil.pid_exists(victim.pid)  # noqa: E731
            site.wait(gone, 60, "the camera's process is not replaced")
            replaced = time.time()
            recoveries.append(replaced - began + site.recovered(replaced))
        outcome = site.finish()
    outcome.recoveries = recoveries
    outcome.figures |= {"stalls": stalls, "stall_timeout_seconds": 5}
    outcome.recovered(20)
    return outcome


@fault
def clock_jumps(conditions: Conditions) -> Outcome:
    """The clocks of capture, analyze and aggregate jump by up to a day, forth and back, one after the other."""
    jumps = conditions.rng.sample(JUMPS, k=max(2, conditions.count(len(JUMPS))))
    with (
        jumping_clock(conditions.folder) as clock,
        Brokers(conditions.settings(), conditions.folder) as brokers,  # Ray is the analyze role's own: its clock, too
        Site(brokers, conditions.folder, live(2)) as site,
    ):
        for role in ("aggregate", "analyze", "capture"):
            with clock.carried_by(role):
                site.start(role)
        site.frames(30, 120)
        for jump in jumps:
            for role in ("capture", "analyze", "aggregate"):
                clock.set(role, jump)
                before = site.log.new()
                site.wait(lambda before=before: site.log.new() > before + 20, 60, f"{role} at {jump:+d} s")
        for role in ("capture", "analyze", "aggregate"):
            clock.set(role, 0)
        outcome = site.finish()
        died = [note for note in site.notes if "ended" in note]
    outcome.figures["jumps"] = jumps
    outcome.hold(not died, f"{len(died)} roles ended: {died[:1]}")
    return outcome


class Clock:
    """A shared library that moves what a process takes for the time of day, by what a file of its role says."""

    def __init__(self, library: Path, folder: Path) -> None:
        self._library = library
        self._folder = folder

    def set(self, role: str, seconds: int) -> None:
        file = self._folder / role
        new = file.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(file)

    @contextmanager
    def carried_by(self, role: str) -> Iterator[None]:
        """Processes that are started meanwhile have this clock, and so have their children."""
        self.set(role, 0)
        changes = {"LD_PRELOAD": str(self._library), "FAULTS_CLOCK": str(self._folder / role)}
        os.environ |= changes
        try:
            yield
        finally:
            for name in changes:
                del os.environ[name]


@contextmanager
def jumping_clock(folder: Path) -> Iterator[Clock]:
    compiler = shutil.which("cc")
    if compiler is None:
        raise Skipped("there is no C compiler (cc) to build the clock that jumps")
    library = folder / "clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(CLOCK), "-ldl"], check=True)
    yield Clock(library, folder)
