"""What the site needs beside the pages as they stand in the repository (hooks of mkdocs).

Decisions are listed by themselves. Links to files outside docs/ have no target on the site, and become their names. The
drawing of the flow, which a forge makes from text, is there as a picture: what draws it in a browser would be fetched.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
_DRAWING = re.compile(r"^```mermaid\n.*?^```$", re.MULTILINE | re.DOTALL)
_FLOW = "![Cameras, capture, frames, analyze, emotion-events, aggregate, windows and alerts](images/flow.svg)"


def on_config(config: Any) -> Any:
    pages = sorted(path.name for path in (Path(config.docs_dir) / "decisions").glob("*.md"))
    for part in config.nav:
        if isinstance(part, dict) and "Decisions" in part:
            part["Decisions"] = [f"decisions/{page}" for page in pages]
    return config


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    here = posixpath.dirname(page.file.src_uri)

    def link(found: re.Match[str]) -> str:
        text, target = found[1], found[2]
        outside = "://" not in target and posixpath.normpath(posixpath.join(here, target)).startswith("..")
        return text if outside else found[0]

    return _LINK.sub(link, _DRAWING.sub(_FLOW, markdown))
