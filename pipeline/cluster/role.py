"""`emostream analyze`: connects to Ray and keeps the analyzers running until told to stop."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

import ray

from pipeline.cluster.environment import given, set_environment, shut_in
from pipeline.cluster.supervisor import Supervisor
from pipeline.errors import DependencyError
from pipeline.kafka.retention import apply
from pipeline.settings import Settings

log = logging.getLogger(__name__)


def run(settings: Settings, listen: Callable[[], threading.Event]) -> None:
    """Until the event that `listen` gives is set; it is called once Ray, which takes signals for itself, is there.

    Raises DependencyError when Ray, Kafka or the analyzers cannot be kept up."""
    apply(settings.kafka)
    connect(settings)
    try:
        Supervisor(settings).run(listen())
    finally:
        ray.shutdown()


def connect(settings: Settings) -> None:
    """Connect to the Ray cluster of the settings, or start a local one."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = settings.ray.address or os.environ.get("RAY_ADDRESS")  # which Ray would take by itself
    set_environment(shut_in() if address is None else given(os.environ))
    try:
        if address is None:
            os.environ.setdefault("RAY_enable_worker_prestart", "false")
            os.environ.setdefault("RAY_automatic_object_spilling_enabled", "0")
            os.environ.setdefault("RAY_worker_niceness", "0")  # 15 by default: the model server would starve us
            ray.init(
                include_dashboard=False,
                object_store_memory=settings.ray.object_store_mebibytes * 2**20,
                log_to_driver=True,
                logging_level=logging.WARNING,
            )
        else:
            ray.init(address=address, log_to_driver=True, logging_level=logging.WARNING)
    except Exception as error:  # of a node that is slow to start Ray raises a bare one
        raise DependencyError(
            f"Ray at {address or 'this machine'} does not answer: {str(error).splitlines()[0]}", "see ray.address"
        ) from None
