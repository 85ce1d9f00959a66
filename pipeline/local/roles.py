"""The roles of the system as processes of their own, the way containers run them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.local.process import Process
from pipeline.settings import Settings

KEPT_VARIABLES = ("EMOSTREAM_CACHE", "EMOSTREAM_OFFLINE", "EMOSTREAM_DEBUG", "EMOSTREAM_MODEL_STORE")
"""What a role keeps of the environment; the other EMOSTREAM_ variables are in its settings file already."""
GRACE_SECONDS = 15.0


def write_settings(settings: Settings, folder: Path) -> Path:
    """The settings as a file for the roles, for the owner's eyes only: camera URIs may hold passwords."""
    file = folder / "settings.yaml"
    file.touch(mode=0o600)
    file.write_text(settings.model_dump_json(indent=2))
    return file


@contextmanager
def role(name: str, settings_file: Path, logs: Path) -> Iterator[Process]:
    """`emostream NAME` on these settings, stopped in good order at the end of the block."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("EMOSTREAM_") or key in KEPT_VARIABLES}
    command = [sys.executable, "-m", "pipeline.cli", name, "-c", str(settings_file)]
    process = Process(f"emostream {name}", command, logs / f"{name}.log", env=env, grace_seconds=GRACE_SECONDS)
    try:
        yield process
    finally:
        process.stop()
