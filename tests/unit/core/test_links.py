"""Every link and picture of the README and of docs/ leads to something, files outside docs/ among them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "model_store").rglob("*.md")),
]
_CODE = re.compile(r"^(```+).*?^\1$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?[^)]*\)|<(?:img|a)\b[^>]*?\b(?:src|href)=\"([^\"]+)\"")
_PUNCTUATION = re.compile(r"[^\w\- ]")


def links(page: Path) -> set[str]:
    """Those that lead to a file or to a heading, not to another host."""
    found = {a or b for a, b in _LINK.findall(_CODE.sub("", page.read_text()))}
    return {link for link in found if "://" not in link and not link.startswith("mailto:")}


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S), re.MULTILINE)
    return {_PUNCTUATION.sub("", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), link


def test_links_are_found_at_all() -> None:
    assert len(links(ROOT / "README.md")) > 20
    assert "docs/operations.md" in links(ROOT / "README.md")
