"""Runs the services of docker-compose.yml by their own commands and looks at what comes out.

    unshare --net --mount --pid --fork --kill-child --mount-proc python -m tests.compose FOLDER

Needs root, or whatever else `unshare` asks for. No engine: tests/compose/launch.py makes of each service what a
container of it would be. What cannot be had here is stood in for: the scripts of Kafka's image by the same classes of
the same version, Alertmanager's name. Grafana is left out: nothing here brings it. Prints a JSON report.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.compose.running import Running
from tests.compose.seen import look

if __name__ == "__main__":
    with Running(Path(sys.argv[1])) as running:
        report = look(running)
    print(json.dumps(report, indent=1))
