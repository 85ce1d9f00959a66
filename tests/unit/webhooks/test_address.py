"""An address that is none is told at the start, not at the first alert."""

from __future__ import annotations

import base64
import threading

import pytest

from pipeline.errors import UsageError
from pipeline.settings import load
from pipeline.webhooks.service import run

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "url",
    [
        "http://calls.example:99999/",
        "https://calls.example:port/",
        "http://calls\u2028.example/",
        f"http://{'x' * 80}.example/",
        "http://calls.example/\0",
    ],
)
def test_an_address_that_is_none_is_named(url: str) -> None:
    good = {"id": "good", "url": "http://calls.example/", "secret": SECRET}
    settings = load(webhooks=[good, {**good, "id": "odd", "url": url}])
    with pytest.raises(UsageError, match=r"^webhooks: odd: url: "):
        run(settings, threading.Event())
