"""`emostream dashboard` as a process, on a real Kafka."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.local import jars, java
from pipeline.local import kafka as broker
from pipeline.local.folders import new_run
from pipeline.local.roles import role, write_settings
from pipeline.settings import KafkaSettings, load

PATIENCE = 40.0
ADDRESS = re.compile(r"the page is at (http://\S+)")


@contextmanager
def own_broker(folder: Path) -> Iterator[broker.Kafka]:
    """A broker that nobody else minds."""
    run = new_run(folder)
    started = broker.start(java.find(), jars.fetch(jars.folder(), jars.read_lock()), run, threading.Event())
    try:
        yield started
    finally:
        started.stop()
        run.close()


@contextmanager
def dashboard(kafka: KafkaSettings, site: str, folder: Path, **changes: Any) -> Iterator[str]:
    """The page's address, without a slash at its end. `changes`: further sections of the settings."""
    section = {"port": 0, **changes.pop("dashboard", {})}
    settings = load(kafka=kafka.model_dump(), site=site, dashboard=section, **changes)
    folder.mkdir(parents=True, exist_ok=True)
    with role("dashboard", write_settings(settings, folder), folder) as process:
        log = folder / "dashboard.log"
        give_up = time.monotonic() + PATIENCE
        while (found := ADDRESS.search(log.read_text())) is None:
            process.check()
            assert time.monotonic() < give_up, log.read_text()[-2000:]
            time.sleep(0.05)
        yield found[1].rstrip("/")
