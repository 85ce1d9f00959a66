"""`emostream api`: the control API, run by Ray Serve."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve.config import HTTPOptions, ProxyLocation
from ray.serve.schema import LoggingConfig
from starlette.types import ASGIApp

from pipeline.access import Access
from pipeline.api.app import create
from pipeline.api.assemble import assembled
from pipeline.cluster.head import Head
from pipeline.cluster.role import connect
from pipeline.cores import forbid
from pipeline.errors import DependencyError
from pipeline.kafka.clients import apply_topics
from pipeline.kafka.heartbeat import Heartbeat
from pipeline.logs import set_up
from pipeline.metrics import Metrics, list_targets
from pipeline.settings import ResolvedSettings, Settings

log = logging.getLogger(__name__)

APP = "emostream-api"
AT_ONCE = 64  # requests in the application
WAITING = 128  # and before it
REQUEST_SECONDS = 60.0
CHECK_SECONDS = 1.0
ON_HEAD = {"node:__internal_head__": 0.001}  # where the proxy listens, and where the API's secrets are
STOP_SECONDS = 5.0
QUIET = LoggingConfig(log_level="WARNING", enable_access_log=False)  # the audit log tells who did what


class ControlApi:
    """The application and what feeds it, in one process of Ray's."""

    def __init__(self, settings_json: str) -> None:
        forbid()  # Ray may be somebody else's
        self._open = ExitStack()
        settings = ResolvedSettings.model_validate_json(settings_json)
        set_up(settings.log_level, log_file(settings), logs=settings.logs, role="api")
        metrics = Metrics("api")
        port = metrics.serve(settings.metrics.host)
        list_targets(settings.metrics.targets_dir, "api", settings.metrics.host, [port])
        self._parts = self._open.enter_context(assembled(settings, metrics))
        self._open.enter_context(Heartbeat(settings, "api", port, metrics=metrics))

    def __serve_build_asgi_app__(self) -> ASGIApp:
        return create(self._parts)[1]

    def __del__(self) -> None:
        self._open.close()


def run(settings: Settings, listen: Callable[[], threading.Event]) -> None:
    """Until the event that `listen` gives is set; it is called once Ray, which takes signals for itself, is there.

    Raises UsageError when access would be open to others, DependencyError when Ray, Kafka or the port is not to be had.
    """
    Access.of(settings.api)
    apply_topics(settings.kafka)
    connect(settings)
    head = Head(time.monotonic())
    try:
        stop = listen()
        _deploy(settings)
        while not stop.wait(CHECK_SECONDS):
            head.check(time.monotonic())
    finally:
        if not head.gone:
            _withdraw()
        ray.shutdown()


def _deploy(settings: Settings) -> None:
    _withdraw()  # what one that was killed left running
    api = settings.api
    if not serve.status().proxies:
        api = api.model_copy(update={"port": _free(api.host, api.port)})
        settings = settings.model_copy(update={"api": api})
    deployment: Any = serve.deployment(
        name=APP,
        num_replicas=1,
        max_ongoing_requests=AT_ONCE,
        max_queued_requests=WAITING,
        graceful_shutdown_wait_loop_s=0.1,
        graceful_shutdown_timeout_s=STOP_SECONDS,
        ray_actor_options={"num_cpus": 0, "resources": ON_HEAD},
        logging_config=QUIET,
    )(serve.ingress()(ControlApi))
    try:
        serve.start(
            proxy_location=ProxyLocation.HeadOnly,
            http_options=HTTPOptions(host=api.host, port=api.port, request_timeout_s=REQUEST_SECONDS),
            logging_config=QUIET,
        )
        serve.run(deployment.bind(settings.model_dump_json(exclude={"cameras", "webhooks"})), name=APP)
    except (RuntimeError, TimeoutError, RayError) as error:
        said = str(error).splitlines()[0]
        where = log_file(settings) or "logs/serve in the session folder of Ray"
        raise DependencyError(f"Ray Serve did not start the API: {said}", f"its log is {where}") from None
    log.info("the API listens on http://%s:%d", api.host, api.port)


def log_file(settings: Settings) -> Path | None:
    """Of the process that answers requests; None: in Ray's own folder."""
    return settings.log_dir and settings.log_dir / "api-replica.log"


def _withdraw() -> None:
    """Ends our application, and Ray Serve where it runs nobody else's."""
    others = serve.status().applications.keys() - {APP}
    with suppress(RayError, TimeoutError):
        serve.delete(APP) if others else serve.shutdown()


def _free(host: str, port: int) -> int:
    """The port, a free one for 0. Raises DependencyError when it is taken: Ray Serve would share it unasked."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
            found: int = probe.getsockname()[1]
            return found
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL and ray.get_runtime_context().gcs_address.rpartition(":")[0] == host:
            return port  # Ray's head is another machine, and Ray Serve listens there
        what = f"the API cannot listen on {host}:{port}: {error.strerror}"
        raise DependencyError(what, "choose another address with api.host and api.port") from None
