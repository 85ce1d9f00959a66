"""The page's server without Kafka: what it knows is put there by the test."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from pipeline.access import Access
from pipeline.dashboard.app import Served
from pipeline.dashboard.service import serving
from pipeline.messages import Record
from pipeline.settings import load
from pipeline.watch.camera import Preview
from pipeline.watch.follow import Follower

VIEWER, OPERATOR = "viewer-token-of-these-tests", "operator-token-of-these-tests"
TOKENS = [
    {"name": "vera", "role": "viewer", "token": VIEWER},
    {"name": "otto", "role": "operator", "token": OPERATOR},
]


class Page:
    def __init__(self, api_url: str = "http://127.0.0.1:9", **settings: Any) -> None:
        self.settings = load(site="site", **settings)
        self.follower = Follower.of(self.settings)
        self.opened: list[int] = []
        access = Access.of(self.settings.api)
        self.served = Served(self.settings, self.follower, access, api_url, self.opened.append)

    @contextmanager
    def client(self, **headers: str) -> Iterator[httpx.Client]:
        """Its server, and a program that asks it things."""
        with socket.create_server(("127.0.0.1", 0)) as listening, serving(self.served, listening):
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
                yield client

    def know(self, *records: Record | Preview) -> None:
        with self.follower.reading() as view:
            for record in records:
                if isinstance(record, Preview):
                    view.preview(record)
                else:
                    view.apply(record, datetime.now(UTC))


def live(client: httpx.Client, **headers: str) -> ClientConnection:
    """The live connection, as a context manager. Raises InvalidStatus when it is refused."""
    url = str(client.base_url).rstrip("/").replace("http://", "ws://")
    return connect(f"{url}/live", additional_headers=headers, max_size=None, proxy=None)


def told(connection: ClientConnection) -> dict[str, Any]:
    """What comes next."""
    return dict(json.loads(connection.recv(timeout=10)))


def hear(client: httpx.Client) -> dict[str, Any]:
    """All that a page that was just opened is told."""
    with live(client) as connection:
        first = told(connection)
        assert first["whole"]
        return dict(first["changed"])
