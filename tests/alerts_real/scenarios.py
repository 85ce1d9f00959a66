"""Which faults are made on one site. Those that are made together stand at the same time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pipeline.local.stack import LocalStack
from pipeline.settings import load
from tests.alerts_real import faults
from tests.alerts_real.camera import DARK, FLAPPING
from tests.alerts_real.expressions import valued
from tests.alerts_real.faults import of_camera, together
from tests.alerts_real.watched import SITE, Watched, watched
from tests.faults.cameras import jumping_clock

OBJECTIVES = 150  # times as fast: what burns over days is over in minutes
DISK_BYTES = 512 * 2**20
TORCHSERVE = {"kind": "torchserve-grpc"}
NO_SERVER = {"kind": "in-process"}
HERE = {"site": SITE}
Rows = list[dict[str, Any]]
Scenario = Callable[[Path, Rows], None]
"""Given a folder for what it leaves, and where each alert and each expression gets a row."""
SCENARIOS: dict[str, Scenario] = {}


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def scenario(run: Scenario) -> Scenario:
    """Registers one under its function's name."""
    SCENARIOS[run.__name__] = run
    return run


@contextmanager
def running(folder: Path, rows: Rows, cameras: int, classify: dict[str, str], **changes: Any) -> Iterator[Watched]:
    """A site of its own, with so many cameras."""
    kafka = {"partitions": 4, **changes.pop("kafka", {})}
    settings = load(kafka=kafka, classify=classify, run_dir=folder / "runs")
    with (
        LocalStack(settings, folder / "runs") as stack,
        watched(stack, folder, cameras, objectives=OBJECTIVES, **changes) as site,
    ):
        site.rows, site.say = rows, say
        yield site


@scenario
def expressions(folder: Path, rows: Rows) -> None:
    """Every panel and every rule has a value: one of two cameras is dark, some frames are broken."""
    with running(folder, rows, 2, TORCHSERVE) as site:
        site.cameras["room-2"].show(DARK)
        faults.broken_frames().make(site)
        for row in valued(site.prometheus):
            rows.append(row)
            say(f"  {row['place']}: {row['value']:g} ({row['series']} series)")
        assert not site.prometheus.broken_rules(), site.prometheus.broken_rules()


@scenario
def cameras(folder: Path, rows: Rows) -> None:
    """Two cameras killed, one silent, one dark, one that hangs up; broken, claimed and late frames; posts refused."""
    with running(folder, rows, 6, NO_SERVER) as site:
        unseen = {"CoverageLow": of_camera("room-1"), "CoverageBurnsFast": HERE, "CoverageBurnsSlowly": HERE}
        other = site.cameras["room-2"]
        together(
            site,
            faults.killed("room-1", **unseen),
            faults.Fault({}, lambda site: other.kill(), lambda site: other.start()),
            faults.silent("room-3"),
            faults.shows("room-4", DARK, {"CameraBlind": of_camera("room-4", reason="dark")}),
            faults.shows("room-5", FLAPPING, {"CameraFlapping": of_camera("room-5")}),
            faults.broken_frames(),
            faults.claimed_frames(),
            faults.late_frames(),
            faults.refused_posts(),
        )


@scenario
def analysis(folder: Path, rows: Rows) -> None:
    """No analyzer, no webhooks, no control API; then frames that expired before they were read."""
    with running(folder, rows, 3, NO_SERVER, kafka={"frames_retention_minutes": 2.0}) as site:
        waiting = ("AnalyzerGone", "LagGrowing", "FramesNearExpiry", "FreshnessBurnsFast", "FreshnessBurnsSlowly")
        together(
            site,
            faults.gone("analyze", dict.fromkeys(waiting, HERE)),
            faults.gone("webhooks", {"RoleDown": {**HERE, "role": "webhooks"}}),
            faults.gone("api", {"TargetsUnknown": {}}),
        )
        together(site, faults.read_too_late())


@scenario
def model(folder: Path, rows: Rows) -> None:
    """A version reads otherwise; then TorchServe stands still, its network fails now and then, and it is slow."""
    with running(folder, rows, 2, TORCHSERVE) as site:
        together(site, faults.version_reads_otherwise(folder / "models"))
        together(site, faults.standing_still("model frontend", {"ModelSilent": HERE}))
        together(site, faults.model_fails_now_and_then())
        together(site, faults.model_is_slow())


@scenario
def parts(folder: Path, rows: Rows) -> None:
    """A clock is wrong and a disk full; then the aggregator stands still; then the broker; then all is off."""
    with ExitStack() as exits:
        disk = _small_disk(folder / "runs", exits)
        clock = exits.enter_context(jumping_clock(folder))
        site = exits.enter_context(running(folder, rows, 3, NO_SERVER))
        site.roles.stop("aggregate")
        with clock.carried_by("aggregate"):
            site.roles.start("aggregate")
        together(site, faults.wrong_clock(clock), *([faults.full_disk(disk)] if disk else []))
        stuck = {"AggregatorStuck": HERE, "RoleDown": {**HERE, "role": "aggregate"}}
        together(site, faults.standing_still("aggregate", stuck))
        away = {"KafkaUnreachable": {**HERE, "process": "capture"}, "FramesDropped": HERE}
        together(site, faults.standing_still("broker", away))
        together(site, faults.all_off())
        assert site.told.got("/on-call", "SiteDown"), "nobody was called when the site was off"


def _small_disk(folder: Path, exits: ExitStack) -> Path | None:
    """A disk of its own for the run; None where none can be had: the machine's own is not to be filled."""
    folder.mkdir(exist_ok=True)
    mount = shutil.which("mount")
    if mount is None or os.getuid() != 0:
        return None
    command = [mount, "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        return None
    exits.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=False)
    return folder
