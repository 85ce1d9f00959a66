"""docs/ as a site: it builds without a warning, everything can be found, and nothing is asked of another host."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

ASKED = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)\s*=\s*["']?(?:https?:)?//[^"'\s>]+""")
FETCHED = re.compile(r"""(?:url\(|@import\s+)["']?(?:https?:)?//""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_page_can_be_searched_and_reached(site: Path) -> None:
    found = {
        entry["location"].split("#")[0] for entry in json.loads((site / "search/search_index.json").read_text())["docs"]
    }
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix("").as_posix()
        location = "" if name == "index" else f"{name}/"
        assert location in found, name
        assert location == "" or f'href="{location}"' in (site / "index.html").read_text(), name


def test_no_page_asks_another_host_for_anything(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert not ASKED.findall(page.read_text()), page
    for style in site.rglob("*.css"):
        assert not FETCHED.findall(style.read_text()), style


def test_drawings_and_files_beyond_the_docs_are_shown_as_what_they_are(site: Path) -> None:
    assert 'src="../images/flow.svg"' in (site / "architecture/index.html").read_text()
    assert "mermaid" not in (site / "architecture/index.html").read_text()
    assert not re.search(r'href="[^"]*\.\./deploy/[^"#]', (site / "alerts/index.html").read_text())
