"""The control API and the page beside a run: they show it and steer it, and nothing of it depends on them."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import httpx

from pipeline.errors import DependencyError
from pipeline.local.ports import free_ports
from pipeline.local.roles import KeptRole
from pipeline.settings import ApiSettings, DashboardSettings, Settings, url

ROLES = ("api", "dashboard")
SHOWN = {"api": "the API: {}/v1", "dashboard": "the page: {}/"}
POLL_SECONDS = 0.5
ANSWER_SECONDS = 2.0
KINDS = get_args(get_args(ApiSettings.model_fields["camera_kinds"].annotation)[0])


@dataclass(frozen=True)
class Ports:
    """Those asked for; 0: any, None: as the settings say, if that is free."""

    api: int | None = None
    dashboard: int | None = None


def answering(addresses: Mapping[str, str], stop: threading.Event) -> Iterator[str]:
    """The names of `addresses`, each as soon as what listens there says that it is alive; less when `stop` is set."""
    waiting = dict(addresses)
    with httpx.Client(timeout=ANSWER_SECONDS, trust_env=False) as client:
        while waiting and not stop.wait(POLL_SECONDS):
            for name, address in list(waiting.items()):
                with suppress(httpx.HTTPError):
                    if client.get(f"{address}/healthz").is_success:
                        del waiting[name]
                        yield name


class Steering:
    """Both roles, started again when they end. One that ends again and again is left alone: the run goes on."""

    def __init__(self, settings: Settings, settings_file: Path, logs: Path, roles: Sequence[str] = ROLES) -> None:
        self._roles = {name: KeptRole(name, settings_file, logs) for name in roles}
        self._addresses = {name: url(getattr(settings, name).host, getattr(settings, name).port) for name in roles}
        self._stop = threading.Event()
        self._answering: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._waiting = threading.Thread(target=self._wait, name="page and API", daemon=True)
        self._waiting.start()

    def _wait(self) -> None:
        for name in answering(self._addresses, self._stop):
            self._answering.put(name)

    def check(self, now: float) -> Iterator[str]:
        """What there is to tell, if anything: where they answer, or that one ended. `now`: seconds of any clock."""
        while not self._answering.empty():
            name = self._answering.get()
            yield SHOWN[name].format(self._addresses[name])
        for name, kept in list(self._roles.items()):
            try:
                if ended := kept.check(now):
                    yield f"{ended}; started again"
            except DependencyError as error:
                del self._roles[name]
                yield f"{error}; the run goes on without it"

    def stop(self) -> None:
        self._stop.set()
        self._waiting.join()
        for kept in self._roles.values():
            kept.stop()


def place(settings: Settings, ports: Ports, *, local: bool) -> Settings:
    """The settings with ports for both: those asked for, else the settings' where they are free, else free ones.

    `local`: whoever reaches the API works on this machine, so that any camera may be added that this machine has.
    Raises DependencyError when a port that was asked for is taken.
    """
    api = settings.api.model_copy(update={"port": _port("api", settings.api, ports.api)})
    if local and api.loopback and not api.tokens and "camera_kinds" not in settings.api.model_fields_set:
        api = api.model_copy(update={"camera_kinds": list(KINDS)})
    dashboard = settings.dashboard
    dashboard = dashboard.model_copy(update={"port": _port("dashboard", dashboard, ports.dashboard)})
    return settings.model_copy(update={"api": api, "dashboard": dashboard})


def _port(role: Literal["api", "dashboard"], settings: ApiSettings | DashboardSettings, asked: int | None) -> int:
    wanted = settings.port if asked is None else asked
    if wanted and _is_free(settings.host, wanted):
        return wanted
    if wanted and asked is not None:
        raise DependencyError(f"--{role}-port: port {wanted} of {settings.host} is taken", "choose another, or 0")
    return free_ports(1)[0]


def _is_free(host: str, port: int) -> bool:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError:
        return False
    return True
