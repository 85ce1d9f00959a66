"""What an image is made of, as CycloneDX JSON: the packages of the lock file with their hashes.

    python deploy/docker/sbom.py pipeline > sbom.cdx.json

What the base image brings is not in it: `docker buildx build --sbom=true` attests that as well, and
`docker scout sbom` or `syft` read it from the finished image.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from locked import Package, part_of


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


def bill(part: str, root: Path) -> dict[str, Any]:
    """The bill of materials of the image `part`: the same for the same lock file."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    packages = part_of(part, root)
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
    json.dump(bill(sys.argv[1], Path.cwd()), sys.stdout, indent=1)
    sys.stdout.write("\n")
