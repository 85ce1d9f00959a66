"""The shell is offered names of the settings, through the script as it is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SCRIPT = Path(sys.executable).with_name("emostream")
SETTINGS = {
    "site": "house-elm",
    "cameras": [{"uri": "synthetic:", "id": "room-101"}, {"uri": "synthetic:", "id": "room-102"}],
    "zones": [{"id": "bed", "camera": "room-101", "polygon": [[0, 0], [1, 0], [1, 1]]}],
    "alerts": [{"id": "distress", "expressions": ["sad"], "above": 0.5}],
}

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the script emostream is not installed")


def offered(folder: Path, line: str) -> list[str]:
    words = line.split(" ")
    env = {**os.environ, "_EMOSTREAM_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run([SCRIPT], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("emostream events --topic emotion-", ["emotion-events", "emotion-windows", "emotion-alerts"]),
        ("emostream cameras pause ", ["room-101", "room-102"]),
        ("emostream report --zone ", ["bed", "room-101", "room-102"]),
        ("emostream alerts silence --rule d", ["distress"]),
        ("emostream alerts silence --scope-id h", ["house-elm"]),
    ],
)
def test_names_of_the_settings(line: str, names: list[str], tmp_path: Path) -> None:
    (tmp_path / "emostream.yaml").write_text(yaml.safe_dump(SETTINGS))
    assert offered(tmp_path, line) == names


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_offered_the_same(shell: str, tmp_path: Path) -> None:
    (tmp_path / "emostream.yaml").write_text(yaml.safe_dump(SETTINGS))
    asked = {"_EMOSTREAM_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": "emostream cameras pause "}
    env = {**os.environ, **asked, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run([SCRIPT], cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert re.findall(r"room-\d+", done.stdout) == ["room-101", "room-102"]


def test_a_file_that_was_named_wins_and_a_broken_one_offers_nothing(tmp_path: Path) -> None:
    other = {**SETTINGS, "cameras": [{"uri": "synthetic:", "id": "hall"}], "zones": []}
    (tmp_path / "emostream.yaml").write_text(yaml.safe_dump(SETTINGS))
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(other))
    assert offered(tmp_path, "emostream cameras pause -c other.yaml ") == ["hall"]
    (tmp_path / "emostream.yaml").write_text("cameras: [")
    assert offered(tmp_path, "emostream cameras pause ") == []
