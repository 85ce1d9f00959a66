"""Every alert made to fire, and to clear: `python -m tests.alerts_real --only cameras --report alerts.json`."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from pipeline.errors import EmostreamError
from tests.alerts_real import deployed
from tests.alerts_real.scenarios import SCENARIOS, say


def main() -> int:
    asked = _arguments()
    for tool in ("prometheus", "prometheus-alertmanager"):
        if shutil.which(tool) is None:
            print(f"{tool} is missing: apt-get install {tool}", file=sys.stderr)
            return 2
    logging.basicConfig(level="ERROR")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # that a broker is away is what we came for
    rows: list[dict[str, Any]] = []
    failed = 0
    with tempfile.TemporaryDirectory(prefix="alerts-") as folder:
        for name in asked.only or SCENARIOS:
            say(f"{name}: {(SCENARIOS[name].__doc__ or '').splitlines()[0]}")
            own = (asked.keep or Path(folder)) / name
            own.mkdir(parents=True, exist_ok=True)
            found, wrong = _one(name, own)
            failed += bool(wrong)
            rows += [{"scenario": name, **row} for row in found]
            if wrong:
                say(f"{name}: FAILED: {wrong}")
            if asked.report:
                asked.report.write_text(json.dumps(rows, indent=1) + "\n")
    tried = {row["alert"] for row in rows if "cleared_after" in row} | {"Watchdog"}
    if not asked.only:
        say(f"not tried: {sorted(set(deployed.alerts()) - tried) or 'none'}")
        failed += not tried >= set(deployed.alerts())
    return 1 if failed else 0


def _one(name: str, folder: Path) -> tuple[list[dict[str, Any]], str]:
    rows: list[dict[str, Any]] = []
    try:
        SCENARIOS[name](folder, rows)
    except (AssertionError, EmostreamError) as error:
        return rows, str(error)
    except Exception as error:  # one scenario's failure is no reason not to try the others
        traceback.print_exc()
        return rows, f"{type(error).__name__}: {error}"
    return rows, ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.alerts_real", description="Alerts on the real parts.")
    parser.add_argument("--only", action="append", choices=sorted(SCENARIOS), metavar="NAME", help="several times")
    parser.add_argument("--report", type=Path, help="write the rows to this file, as JSON")
    parser.add_argument("--keep", type=Path, help="folder for the logs; else they go")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
