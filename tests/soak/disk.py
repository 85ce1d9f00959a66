"""Bytes on the disk below a run's folder: Kafka's by topic, and the rest by folder."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

_PARTITION = re.compile(r"(.+)-\d+(\.[0-9a-f]+-(delete|stray))?")


def usage(run: Path) -> dict[str, int]:
    """By name: `kafka/TOPIC`, `logs`, ... Files that go away meanwhile count for nothing."""
    sizes: Counter[str] = Counter()
    for file in run.rglob("*"):
        try:
            if file.is_symlink() or not file.is_file():
                continue
            size = file.stat().st_blocks * 512  # as it stands: indexes of segments are mostly holes
        except OSError:
            continue
        sizes[_name(file.relative_to(run).parts)] += size
    return dict(sizes)


def _name(parts: tuple[str, ...]) -> str:
    if parts[0] != "kafka" or len(parts) < 4:
        return parts[0]
    topic = _PARTITION.fullmatch(parts[2])
    return f"kafka/{topic[1] if topic else parts[2]}"
