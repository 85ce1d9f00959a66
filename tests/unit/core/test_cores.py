"""A process that crashes leaves nothing of its memory on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CRASH = """
import os, resource, subprocess, sys
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
from pipeline.cores import forbid
forbid()
ask = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
print(subprocess.check_output([sys.executable, "-c", ask], text=True), flush=True)
os.abort()
"""


def test_no_core_is_written_and_what_it_started_writes_none_either(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[3])
    crashed = subprocess.run(
        [sys.executable, "-c", CRASH],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": root},
        check=False,
    )
    assert crashed.returncode < 0
    assert crashed.stdout.strip() in ("(0, 0)", "(1, 1)")
    assert list(tmp_path.iterdir()) == []
