"""Where the page and the API are reached from this machine."""

from __future__ import annotations

import socket

import pytest

from pipeline.dashboard.service import address, api_url
from pipeline.settings import load, url


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("::1", "[::1]"),
        ("[::1]", "[::1]"), ("wall.house.example", "wall.house.example"),
    ],
)  # fmt: skip
def test_what_listens_is_reached_from_here(host: str, reached: str) -> None:
    assert url(host, 8401) == f"http://{reached}:8401"


def test_the_page_tells_the_port_that_it_was_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        given = listening.getsockname()[1]
        assert address(load(dashboard={"port": 0}).dashboard, listening) == f"http://127.0.0.1:{given}/"


def test_the_api_is_where_the_settings_let_it_listen_unless_another_is_named() -> None:
    assert api_url(load(api={"port": 9000})) == "http://127.0.0.1:9000"
    assert api_url(load(dashboard={"api_url": "http://api.house.example/"})) == "http://api.house.example"
