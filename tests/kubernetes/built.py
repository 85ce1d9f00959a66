"""What an overlay comes to, as `kubectl kustomize` builds it."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("single", "production", "edge-site", "edge-central")
Object = dict[str, Any]


@functools.cache
def built(overlay: str) -> list[Object]:
    """Every object of the overlay. Skips where nothing here can build it."""
    return _build(FOLDER / "overlays" / overlay)


def built_with(overlay: str, kustomization: dict[str, Any], files: dict[str, str] | None = None) -> list[Object]:
    """The same of a copy of one's own: the overlay, and what its kustomization has more. `components`: by name."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        inside = lambda *path: os.path.relpath(FOLDER.joinpath(*path), folder)  # noqa: E731
        whole = {**kustomization, "resources": [inside("overlays", overlay)]}
        whole["components"] = [inside("components", name) for name in kustomization.get("components", ())]
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(whole))
        for name, text in (files or {}).items():
            (folder / name).write_text(text)
        return _build(folder)


def _build(folder: Path) -> list[Object]:
    command = next(([tool, *more] for tool, *more in (("kubectl", "kustomize"), ("kustomize", "build"))
                    if shutil.which(tool)), None)  # fmt: skip
    if command is None:
        pytest.skip("neither kubectl nor kustomize is installed")
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def of_kind(objects: list[Object], *kinds: str) -> dict[str, Object]:
    """By name."""
    return {each["metadata"]["name"]: each for each in objects if each["kind"] in kinds}


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Every pod template of ours, with a name for it."""
    for each in objects:
        name = f"{each['kind']}/{each['metadata']['name']}"
        if each["kind"] in ("Deployment", "StatefulSet"):
            yield name, each["spec"]["template"]
        elif each["kind"] == "RayCluster":
            yield f"{name}/head", each["spec"]["headGroupSpec"]["template"]
            for group in each["spec"]["workerGroupSpecs"]:
                yield f"{name}/{group['groupName']}", group["template"]


def strings(value: Any) -> Iterator[tuple[str, str]]:
    """Every text below a value, with the key it stands under."""
    if isinstance(value, dict):
        for key, each in value.items():
            if isinstance(each, str):
                yield key, each
            else:
                yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
