"""`emostream up --local` as a user starts it, with its parts killed below it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import yaml

from tests.faults import victims
from tests.faults.fault import POLICY, Conditions, Outcome, fault
from tests.faults.kills import live

PARTS = ("broker", "model frontend", "raylet", "head", "analyze", "aggregate", "analyzer", "capture child")
START_SECONDS = 180.0


@fault
def up(conditions: Conditions) -> Outcome:
    """Each part of `emostream up --local` is killed once, in random order; it starts them again, its report adds up."""
    order = conditions.rng.sample(PARTS, k=conditions.count(len(PARTS), 3))
    folder = conditions.folder
    settings, report = folder / "up.yaml", folder / "report.json"
    given = {"run_dir": str(folder / "runs"), "delivery": conditions.delivery, "policy": POLICY}
    settings.write_text(yaml.safe_dump(given))
    command = [sys.executable, "-m", "pipeline.cli", "up", "--local", "-c", str(settings), "--report", str(report)]
    for uri in live(2, fps=5):
        command += ["--camera", uri]
    with (folder / "up.log").open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as running:
        try:
            victims.one_of("capture child", lambda found: found[-1], patience=START_SECONDS)
            for what in order:
                conditions.say(f"  {what}")
                victims.kill(victims.one_of(what, conditions.rng.choice))
                time.sleep(conditions.rng.uniform(15, 25))
            running.send_signal(signal.SIGINT)
            code = running.wait(120)
        finally:
            running.kill()
    told = json.loads(report.read_text())
    outcome = Outcome(
        frames=told["frames"]["captured"],
        lost=told["missing"] + told["frames"]["dropped"].get("expired", 0),
        duplicates_raw=told["duplicates"],
        balanced=told["balanced"],
        figures={"order": order, "exit_code": code, **told["frames"]},
    )
    outcome.hold(code == 0, f"exit code {code}: {(folder / 'up.log').read_text().strip().splitlines()[-1]}")
    outcome.hold(outcome.balanced and not outcome.lost, f"{outcome.lost} frames are not accounted for")
    outcome.hold(outcome.frames > 0, "no frame was captured")
    return outcome
