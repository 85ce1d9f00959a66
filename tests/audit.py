"""`python -m tests.audit`: known vulnerabilities of what requirements.lock holds, by pip-audit.

It asks a database of advisories over the network. Where there is none, or a mirror that knows of no advisories, that is
said, and fails nothing. Arguments go to pip-audit: `--ignore-vuln ID`, with the reason in the commit that adds it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LOCK = Path("requirements.lock")
CANARY = "jinja2==3.0.0"  # a database that knows nothing against it knows nothing
SECONDS = 600


def main(arguments: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary.txt"
        canary.write_text(CANARY + "\n")
        if not vulnerable(asked(canary, ())):
            print("pip-audit: no database of advisories is to be had here; the dependencies were NOT checked")
            return 0
    found = asked(LOCK, arguments)
    if found is None:
        print("pip-audit: the database of advisories stopped answering; the dependencies were NOT checked")
        return 0
    for each in (bad := vulnerable(found)):
        for advisory in each["vulns"]:
            fixed = ", ".join(advisory["fix_versions"]) or "nowhere yet"
            print(f"{each['name']} {each['version']}: {advisory['id']}, mended in {fixed}")
    print(f"pip-audit: {len(bad)} of {len(found)} dependencies have known vulnerabilities")
    return 1 if bad else 0


def asked(requirements: Path, arguments: Sequence[str]) -> list[dict[str, Any]] | None:
    """What pip-audit knows of each dependency; None: it got no answer."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--disable-pip", "--no-deps"]
    options = ["--format", "json", "--progress-spinner", "off", *arguments]
    told = subprocess.run([*command, *options], capture_output=True, text=True, timeout=SECONDS, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(told.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return found


def vulnerable(found: Sequence[dict[str, Any]] | None) -> list[dict[str, Any]]:
    return [each for each in found or () if each.get("vulns")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
