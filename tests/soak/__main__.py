"""`python -m tests.soak --minutes 60 --report soak.json --plot soak.png`: hours of wear in minutes.

What is compressed: frames come as fast as the analyzers take them, connections last seconds instead of days, windows
seconds instead of minutes, processes die every few minutes. What is not: what time alone would do.
Exit code 0: nothing grows and every frame is accounted for. The readings are written beside the report, as CSV.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path

from tests.soak import plot, processes, report
from tests.soak.measured import Measured
from tests.soak.run import Wear, soak
from tests.soak.verdict import find


def main() -> int:
    given = _arguments()
    wear = Wear(given.minutes, given.cameras, given.seed)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        outcome = soak(wear, Path(folder))
    _write_readings(given.report.with_suffix(".csv"), outcome.measured)
    findings = find(outcome.measured)
    told = report.told(wear, outcome, findings)
    given.report.write_text(json.dumps(told, indent=2) + "\n")
    plot.draw(given.plot, report.title(told), outcome.measured, findings)
    print(report.title(told), *map(report.line, findings), f"see {given.report}, {given.plot}", sep="\n")
    return 0 if told["passed"] else 1


def _write_readings(file: Path, measured: Measured) -> None:
    with file.open("w") as stream:
        writer = csv.writer(stream)
        writer.writerow(processes.header())
        writer.writerows(map(processes.row, measured.readings))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60, help="length of the run once it captures")
    parser.add_argument("--cameras", type=int, default=5, help="three at least")
    parser.add_argument("--seed", type=int, default=1, help="of the churn and the kills")
    parser.add_argument("--report", type=Path, default=Path("soak.json"))
    parser.add_argument("--plot", type=Path, default=Path("soak.png"))
    given = parser.parse_args()
    if given.minutes < 2 or given.cameras < 3:
        parser.error("at least 2 minutes and 3 cameras, please")
    return given


if __name__ == "__main__":
    sys.exit(main())
