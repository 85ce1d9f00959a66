"""Where log lines go, and whose are too many."""

from __future__ import annotations

import logging
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
TALKATIVE = ("kafka", "httpx", "httpcore")  # kafka's DEBUG lines hold payloads; httpx tells of each request


def set_up(level: str, file: Path | None = None) -> None:
    """Log to stderr, or to the end of `file`; the talkative libraries only from WARNING on."""
    logging.basicConfig(level=level, format=FORMAT, filename=file, force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
