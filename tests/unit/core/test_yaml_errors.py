"""A settings file that is no YAML is told with the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.settings import load


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("site: a\n  cameras: [\n", "line 2, column 10"),
        ("cameras:\n  - uri: 'rtsp://x\n", "line 3, column 1"),
        ("a: 2026-99-99\n", "month must be in 1..12"),
    ],
)
def test_the_line_is_named(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "emostream.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=f"not YAML: .*{told}"):
        load(file)
