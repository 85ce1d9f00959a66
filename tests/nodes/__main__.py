"""Three hosts, and the loss of one, of a broker, of a model server, of Ray's head: `python -m tests.nodes`.

Needs root, `ip` and `unshare`: it starts itself again in namespaces of its own, and all goes with them.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline.errors import EmostreamError
from pipeline.local import jars
from pipeline.settings import load
from tests.faults.fault import POLICY, Outcome, write
from tests.faults.kills import live
from tests.nodes.cluster import Cluster
from tests.nodes.losses import LOSSES
from tests.nodes.site import NodesSite

NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
INSIDE = "NODES_INSIDE"
CAMERAS, FPS = 4, 5


def main() -> int:
    asked = _arguments()
    if INSIDE not in os.environ:
        if why := lacking():
            print(f"tests.nodes: {why}", file=sys.stderr)
            return 2
        jars.fetch(jars.folder(), jars.read_lock())  # from there no network is reached
        command = [*NAMESPACES, sys.executable, "-m", "tests.nodes", *sys.argv[1:]]
        os.execvpe(command[0], command, {**os.environ, INSIDE: "1"})
    logging.basicConfig(level="ERROR")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # that brokers are away is what we came for
    with tempfile.TemporaryDirectory(prefix="nodes-") as folder:
        row = run(asked.keep or Path(folder))
    write([row], asked.report)
    _say(f"{'passed' if row['passed'] else 'FAILED: ' + '; '.join(row['wrong'])}: {row['frames']} frames")
    return 0 if row["passed"] else 1


def lacking() -> str:
    """What keeps it from being run here; empty: nothing."""
    if missing := [tool for tool in ("ip", "unshare", "hostname") if shutil.which(tool) is None]:
        return f"not installed: {', '.join(missing)}"
    return "it takes root" if os.geteuid() else ""


def run(folder: Path) -> dict[str, Any]:
    """All of it; the account is of all frames from the first loss to the end."""
    began = time.monotonic()
    losses: list[dict[str, Any]] = []
    settings = load(
        policy=POLICY,
        kafka={"partitions": 4},
        classify={"kind": "torchserve-grpc", "timeout_seconds": 10},
        analyze={"actors": 2, "threads": 1},
        aggregate={"windows": [{"seconds": 10}]},
        run_dir=folder / "runs",
    )
    outcome = Outcome(balanced=False)
    try:
        with Cluster(settings, folder) as cluster, NodesSite(cluster, folder, live(CAMERAS, FPS)) as site:
            _say(f"all parts answer after {time.monotonic() - began:.0f} s")
            site.begin()
            for lose in LOSSES:
                _say(f"{lose.__name__}: {lose.__doc__}")
                told = {"loss": lose.__name__.replace("_", " "), **lose(site), "frames_so_far": site.log.new()}
                losses.append(
                    {key: round(value, 1) if isinstance(value, float) else value for key, value in told.items()}
                )
                _say(f"  {losses[-1]}")
            outcome = site.finish(300)
            outcome.figures["started_again_because"] = site.notes
    except (AssertionError, EmostreamError) as error:
        outcome.wrong.append(str(error))
    return {
        "hosts": 3,
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[1], 1),  # of the last five minutes: times depend on it
        "seconds": round(time.monotonic() - began, 1),
        "frames": outcome.frames,
        "lost": outcome.lost,
        "duplicates_raw": outcome.duplicates_raw,
        "duplicates": outcome.duplicates,
        "balanced": outcome.balanced,
        "passed": not outcome.wrong,
        "wrong": outcome.wrong,
        "losses": losses,
        **outcome.figures,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.nodes", description="Three hosts, and what is lost of them.")
    parser.add_argument("--report", type=Path, help="write the row to this file, as JSON; else to standard output")
    parser.add_argument("--keep", type=Path, help="folder for the logs, which is to be new; else they go")
    return parser.parse_args()


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
