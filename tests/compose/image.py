"""What a Dockerfile says of the container that runs from it, read without an engine.

Enough of the language for ours: of the stages that a target stands on, the environment, user, folder and command, and
what is copied from the repository. What is copied from other stages is named, for whoever stands in for it.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Image:
    """`copied`: places in the repository by where they go. `staged`: the same of other stages, as stage:path.
    `folders`: made with `install -d`, the user's own."""

    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    folder: str = "/"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    copied: dict[str, str] = field(default_factory=dict)
    staged: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)


def read(dockerfile: Path, target: str) -> Image:
    """Raises KeyError for a stage that the file does not have."""
    stages: dict[str, tuple[str, list[tuple[str, str]]]] = {}
    name = ""
    for word, rest in _instructions(dockerfile.read_text()):
        if word == "FROM":
            base, _, alias = rest.partition(" AS ")
            name = alias.strip() or f"#{len(stages)}"
            stages[name] = (base.strip(), [])
        elif name:
            stages[name][1].append((word, rest))
    image = Image()
    for stage in _below(stages, target):
        for word, rest in stages[stage][1]:
            _apply(image, word, rest)
    return image


def _below(stages: dict[str, tuple[str, list[tuple[str, str]]]], target: str) -> list[str]:
    """The target's stages, the lowest first."""
    base = stages[target][0]
    return [*(_below(stages, base) if base in stages else ()), target]


def _apply(image: Image, word: str, rest: str) -> None:
    if word == "ENV":
        image.environment |= dict(part.split("=", 1) for part in shlex.split(rest))
    elif word == "USER":
        image.user = rest
    elif word == "WORKDIR":
        image.folder = rest
    elif word == "ENTRYPOINT":
        image.entrypoint = tuple(json.loads(rest))
    elif word == "CMD":
        image.command = tuple(json.loads(rest))
    elif word == "COPY":
        *options, source, to = rest.split()
        stage = next((option.removeprefix("--from=") for option in options if option.startswith("--from=")), "")
        if stage:
            image.staged[to] = f"{stage}:{source}"
        else:
            image.copied[to] = source
    elif word == "RUN":
        for made in re.findall(r"install -d (?:-\w \S+ )*((?:/\S+ ?)+)", rest):
            image.folders += made.split()


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = []
    for line in joined.splitlines():
        word, _, rest = line.strip().partition(" ")
        found.append((word, rest.strip()))
    return found
