"""The faults, one after the other: `python -m tests.faults --seed 7 --only analyzers --report faults.json`."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from pipeline.errors import EmostreamError
from tests.faults import cameras, garbage, kafka_away, kills, model_away, orderly, whole, windows  # noqa: F401  # each registers its faults
from tests.faults.fault import FAULTS, Conditions, Outcome, Skipped, write

QUICK = 0.1


def main() -> int:
    asked = _arguments()
    if asked.list:
        for name, run in FAULTS.items():
            print(f"{name:26}{(run.__doc__ or '').splitlines()[0]}")
        return 0
    logging.basicConfig(level="ERROR")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # that a broker is away is what we came for
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        for name in asked.only or FAULTS:
            _say(f"{name}: {(FAULTS[name].__doc__ or '').splitlines()[0]}")
            rows.append(_one(name, asked, asked.keep or Path(folder)))
            write(rows, asked.report)  # each time: a run that is broken off has told what it knew
            _say(f"{name}: {_verdict(rows[-1])}")
    return 0 if all(row["passed"] is not False for row in rows) else 1


def _one(name: str, asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    conditions = Conditions(asked.seed, random.Random(f"{asked.seed} {name}"), asked.scale, asked.delivery, own, _say)
    began = time.monotonic()
    try:
        outcome = FAULTS[name](conditions)
    except Skipped as reason:
        return {"fault": name, "seed": asked.seed, "passed": None, "skipped": str(reason)}
    except (AssertionError, EmostreamError) as error:
        outcome = Outcome(balanced=False, wrong=[str(error)])
    except Exception as error:  # one fault's failure is no reason not to try the others
        traceback.print_exc()
        outcome = Outcome(balanced=False, wrong=[f"{type(error).__name__}: {error}"])
    return outcome.row(name, conditions, time.monotonic() - began)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.faults", description="The system under faults, each with its account.")
    parser.add_argument("--seed", type=int, default=1, help="of all moments and victims")
    parser.add_argument("--only", action="append", choices=sorted(FAULTS), metavar="NAME", help="several times")
    parser.add_argument("--report", type=Path, help="write the rows to this file, as JSON; else to standard output")
    parser.add_argument("--list", action="store_true", help="name the faults")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies counts and durations")
    parser.add_argument("--quick", action="store_const", dest="scale", const=QUICK, help=f"--scale {QUICK}")
    parser.add_argument("--delivery", default="at_least_once", choices=["at_least_once", "exactly_once"])
    parser.add_argument("--keep", type=Path, help="folder for the logs; else they go")
    return parser.parse_args()


def _verdict(row: dict[str, Any]) -> str:
    if row["passed"] is None:
        return f"skipped: {row['skipped']}"
    told = f"{row['frames']} frames, {row['lost']} lost, recovery {row['recovery_seconds']} s, {row['seconds']:.0f} s"
    return f"passed: {told}" if row["passed"] else f"FAILED: {'; '.join(row['wrong'])} ({told})"


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
