"""A broker alone, without TorchServe and Ray, for what needs no more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pipeline.local import jars, java, kafka
from pipeline.local.folders import RunFolder, new_run
from pipeline.settings import Settings


@contextmanager
def broker_alone(settings: Settings) -> Iterator[tuple[Settings, RunFolder]]:
    """The settings with its address, and the folder of the run."""
    with ExitStack() as stack:
        folder = new_run(settings.run_dir)
        stack.callback(folder.close)
        classpath = jars.fetch(jars.folder(), jars.read_lock(), lambda done, total: None, threading.Event())
        broker = kafka.start(java.find(), classpath, folder, threading.Event())
        stack.callback(broker.stop)
        place = settings.kafka.model_copy(update={"bootstrap": broker.bootstrap, "replication": 1})
        yield settings.model_copy(update={"kafka": place}), folder
