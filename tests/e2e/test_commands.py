"""The command line as a user meets it: one clear line for what is wrong, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.local.stack import LocalStack
from tests.e2e.test_system import Run, once

MARK = "EMOSTREAM_TEST_RUN"


def emostream(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=200)


def marked(mark: str) -> list[psutil.Process]:
    """Every process on this machine that was started, however indirectly, with our mark in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["up", "--local", "--camera", "nowhere.mp4"], 2, "nowhere.mp4: no such file"),
        (["up", "--local", "--camera", "ftp://x/y"], 2, "ftp:// is not known"),
        (["up", "--local", "--camera", "synthetic:?people=many"], 2, "people=many"),
        (["up", "--local"], 2, "cameras: none given"),
        (["up", "-c", "nowhere.yaml"], 2, "nowhere.yaml: cannot be read"),
        (["demo", "--report", "no/such/folder/r.json"], 2, "cannot be written"),
        (["events", "--topic", "moods"], 2, "'moods' is not known"),
        (["events", "--since", "soon"], 2, "'soon' is no time"),
        (["replay", "--topic", "moods"], 2, "'moods' cannot be replayed"),
        (["replay", "--delete"], 2, "--delete: which replay?"),
    ],
)
def test_what_is_wrong_is_one_line_and_the_right_exit_code(
    arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    done = emostream(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("section", ["api", "dashboard"])
def test_nothing_is_started_that_would_be_open_to_others(section: str, tmp_path: Path) -> None:
    host = {f"EMOSTREAM_{section.upper()}__HOST": "0.0.0.0"}
    declared = ("--purpose", "a test", "--setting", "research")
    done = emostream("up", "--local", "--camera", "synthetic:?frames=1", *declared, cwd=tmp_path, **host)
    assert done.returncode == 2, done.stderr
    assert f"api.tokens: none, but {section}.host 0.0.0.0 is reached from other machines" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_kafka_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = emostream("events", cwd=tmp_path, EMOSTREAM_KAFKA__BOOTSTRAP="127.0.0.1:1")
    assert done.returncode == 1
    assert "Kafka at 127.0.0.1:1 does not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.xdist_group("demo")
@pytest.mark.timeout(280)
def test_the_demo_runs_and_leaves_nothing_behind(tmp_path: Path) -> None:
    mark = f"demo-{os.getpid()}"
    done = emostream("demo", "--seconds", "20", "--report", "demo.json", cwd=tmp_path, **{MARK: mark})
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "demo.json").read_text())
    assert report["balanced"]
    assert len(report["cameras"]) == 4
    assert all(block["observed"] > 0 and block["faces"] > 0 for block in report["cameras"].values())
    assert report["faces"] > 50
    assert report["model"]["name"].startswith("emonext")
    assert report["latency_seconds"]["p95"] is not None
    assert "every frame accounted for" in done.stdout
    assert marked(mark) == []


@pytest.mark.xdist_group("demo")
@pytest.mark.timeout(280)
def test_a_demo_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    mark = f"killed-{os.getpid()}"
    env = {**os.environ, MARK: mark}
    with (tmp_path / "out").open("w") as out:
        demo = subprocess.Popen(
            [sys.executable, "-m", "pipeline.cli", "demo"], cwd=tmp_path, env=env, stdout=out, stderr=out
        )
        once(lambda: "up" in (tmp_path / "out").read_text() and "day-room" in (tmp_path / "out").read_text())
        assert len(marked(mark)) > 5
        demo.send_signal(signal.SIGKILL)
        demo.wait()
    once(lambda: not marked(mark))


def test_events_are_json_lines(stack: LocalStack, tmp_path: Path) -> None:
    run = Run(stack, ["synthetic:?people=1&seed=9&frames=15&realtime=false&id=lines"])
    assert run.report()["balanced"]
    done = emostream("events", "-c", str(run.folder / "settings.yaml"), cwd=tmp_path)
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["type"] for line in lines} == {"emostream.observation.v1", "emostream.ledger.v1"}
    assert [line["seq"] for line in lines if "faces" in line] == list(range(15))
    frames = emostream("events", "--topic", "frames", "-c", str(run.folder / "settings.yaml"), cwd=tmp_path)
    sizes = [line["jpeg_bytes"] for line in map(json.loads, frames.stdout.splitlines()) if "jpeg_bytes" in line]
    assert len(sizes) == 15
    assert min(sizes) > 1000
    checked = emostream("topics", "check", "-c", str(run.folder / "settings.yaml"), cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
