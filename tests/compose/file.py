"""docker-compose.yml as it is run: variables put in, each service with what its container would be given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?:(:-|:\?)((?:[^{}]|\{[^}]*\})*))?\})")
REQUIRED = {"EMOSTREAM_PURPOSE": "tests of the compose file", "EMOSTREAM_SETTING": "demonstration"}


class MissingVariable(Exception):
    """One that the file asks for with ":?". The message is the file's own."""


@dataclass(frozen=True)
class Mount:
    """`source`: a path, or a volume's name."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Service:
    """What a container of it would be given. `raw`: all of it, as the file has it."""

    name: str
    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None
    environment: dict[str, str]
    user: str
    networks: tuple[str, ...]
    network_of: str
    mounts: tuple[Mount, ...]
    tmpfs: dict[str, str]
    depends: dict[str, dict[str, Any]]
    profiles: tuple[str, ...]
    raw: dict[str, Any] = field(repr=False)

    @property
    def dockerfile(self) -> tuple[str, str] | None:
        """Path and target of what its image is built from; None: somebody else's image."""
        build = self.raw.get("build")
        return (build["dockerfile"], build["target"]) if build else None


def read(variables: Mapping[str, str] = REQUIRED, file: Path = FILE) -> dict[str, Any]:
    """The whole file, its variables put in. Raises MissingVariable."""
    return _filled(yaml.safe_load(file.read_text()), variables)  # type: ignore[no-any-return]


def services(whole: dict[str, Any], *profiles: str) -> dict[str, Service]:
    """Those that run with these profiles."""
    found = {name: _service(name, raw, whole) for name, raw in whole["services"].items()}
    return {name: each for name, each in found.items() if not each.profiles or set(each.profiles) & set(profiles)}


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    return _VARIABLE.sub(lambda found: _value(found, variables), value) if isinstance(value, str) else value


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name, otherwise, text = found.groups()
    if name is None:
        return "$"
    if variables.get(name):
        return variables[name]
    if otherwise == ":?":
        raise MissingVariable(f"{name}: {text}")
    return str(_filled(text or "", variables))


def _service(name: str, raw: dict[str, Any], whole: dict[str, Any]) -> Service:
    network_of = raw.get("network_mode", "").removeprefix("service:")
    depends = raw.get("depends_on", {})
    return Service(
        name=name,
        entrypoint=tuple(raw["entrypoint"]) if "entrypoint" in raw else None,
        command=tuple(map(str, raw["command"])) if "command" in raw else None,
        environment={key: str(value) for key, value in raw.get("environment", {}).items()},
        user=raw.get("user", ""),
        networks=tuple(raw.get("networks", ())),
        network_of=network_of,
        mounts=tuple(_mounts(raw, whole)),
        tmpfs=dict((path.partition(":")[0], path.partition(":")[2]) for path in raw.get("tmpfs", ())),  # noqa: C402
        depends=depends,
        profiles=tuple(raw.get("profiles", ())),
        raw=raw,
    )


def _mounts(raw: dict[str, Any], whole: dict[str, Any]) -> list[Mount]:
    found = []
    for volume in raw.get("volumes", ()):
        source, target, *options = volume.split(":")
        found.append(Mount(source, target, "ro" in options))
    for config in raw.get("configs", ()):
        found.append(Mount(whole["configs"][config["source"]]["file"], config["target"], True))
    for secret in raw.get("secrets", ()):
        found.append(Mount(whole["secrets"][secret]["file"], f"/run/secrets/{secret}", True))
    return found
