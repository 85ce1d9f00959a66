"""`emostream dashboard`: serves the page until it is asked to stop."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from pipeline.access import Access
from pipeline.dashboard.app import Served, application
from pipeline.errors import DependencyError
from pipeline.kafka.heartbeat import Heartbeat
from pipeline.messages import RoleState
from pipeline.metrics import Metrics, list_targets
from pipeline.settings import DashboardSettings, Settings, url
from pipeline.watch.follow import Follower

log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
STOP_SECONDS = 5
LARGEST_SAID = 1024  # bytes: a page has nothing to say


def run(settings: Settings, stop: threading.Event, tell: Callable[[str], None]) -> None:
    """Until `stop` is set. `tell`: is given the page's address. Raises UsageError and DependencyError."""
    access = Access.of_page(settings)
    metrics = Metrics("dashboard")
    listening = _listen(settings.dashboard)
    port = metrics.serve(settings.metrics.host)
    list_targets(settings.metrics.targets_dir, "dashboard", settings.metrics.host, [port])
    with Follower.of(settings) as follower, Heartbeat(settings, "dashboard", port, state=lambda: _state(follower)):
        served = Served(settings, follower, access, api_url(settings), metrics.pages_open.set)
        with serving(served, listening) as server:
            tell(address(settings.dashboard, listening))
            while not stop.wait(CHECK_SECONDS):
                if not server.is_alive():
                    raise DependencyError("the page's server has ended", "its log says why")


def api_url(settings: Settings) -> str:
    return settings.dashboard.api_url or url(settings.api.host, settings.api.port)


def address(dashboard: DashboardSettings, listening: socket.socket) -> str:
    return url(dashboard.host, listening.getsockname()[1]) + "/"


@contextmanager
def serving(served: Served, listening: socket.socket) -> Iterator[threading.Thread]:
    """The page on a listening socket, in a thread of its own."""
    config = uvicorn.Config(
        application(served),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="websockets-sansio",
        ws_max_size=LARGEST_SAID,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="page", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS + 2)


def _listen(dashboard: DashboardSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in dashboard.host else socket.AF_INET
    try:
        return socket.create_server((dashboard.host.strip("[]"), dashboard.port), family=family, backlog=256)
    except OSError as error:
        what = f"the page cannot listen on {dashboard.host}:{dashboard.port}: {error.strerror}"
        raise DependencyError(what, "choose another with --port or dashboard.port") from None


def _state(follower: Follower) -> tuple[RoleState, str]:
    away = follower.feed.away_since is not None
    return (RoleState.WAITING, "Kafka") if away else (RoleState.RUNNING, "")
