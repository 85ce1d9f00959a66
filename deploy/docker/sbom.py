"""What an image is made of, as CycloneDX JSON: the packages of the lock file with their hashes.

    python deploy/docker/sbom.py pipeline > sbom.cdx.json
    python deploy/docker/sbom.py torchserve torch 'nvidia-*' --other torch.lock > sbom.cdx.json

Names that follow the part, as patterns, are left out, as by locked.py; --other: a lock file of what was installed in
their place. What the base image brings is not in it: `docker buildx build --sbom=true` attests that
as well, and `docker scout sbom` or `syft` read it from the finished image.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from locked import Package, parsed, part_of


def component(package: Package) -> dict[str, Any]:
    """One wheel of several has been installed; all of those that may be are named."""
    purl = f"pkg:pypi/{package.name}@{package.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in package.hashes],
    }


def bill(part: str, root: Path, left_out: Sequence[str] = (), other: str = "") -> dict[str, Any]:
    """The bill of materials of the image `part`: the same for the same lock file. `other`: the text of another one."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    packages = [each for each in part_of(part, root) if not any(fnmatch(each.name, name) for name in left_out)]
    packages += parsed(other).values()
    ref = f"pkg:generic/emostream-{part}@{version}"
    named = {package.name: component(package)["bom-ref"] for package in packages}
    asked = [
        {"ref": named[package.name], "dependsOn": sorted(named[p.name] for p in packages if package.name in p.via)}
        for package in packages
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "container",
                "bom-ref": ref,
                "name": f"emostream-{part}",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": [component(package) for package in packages],
        "dependencies": [{"ref": ref, "dependsOn": sorted(named.values())}, *asked],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser("sbom.py")
    parser.add_argument("part")
    parser.add_argument("left_out", nargs="*")
    parser.add_argument("--other", type=Path)
    asked = parser.parse_args()
    other = asked.other.read_text() if asked.other else ""
    json.dump(bill(asked.part, Path.cwd(), asked.left_out, other), sys.stdout, indent=1)
    sys.stdout.write("\n")
