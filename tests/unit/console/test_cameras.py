"""Cameras as they are asked for on the command line."""

from __future__ import annotations

import pytest

from pipeline.console.cameras import asked
from pipeline.errors import UsageError


@pytest.mark.parametrize(("uri", "fps"), [("synthetic:?id=a", 5), ("synthetic:?id=a&fps=5", None)])
def test_a_rate_stands_in_the_uri_or_beside_it(uri: str, fps: float | None) -> None:
    assert asked("site-1", uri, None, "", fps, "anna").fps == 5


@pytest.mark.parametrize(
    ("uri", "camera_id", "told"),
    [("synthetic:?fps=4", None, "fps: the URI says otherwise: 4"), ("synthetic:?id=a", "b", "id: the URI says")],
)
def test_an_option_that_the_uri_contradicts_is_refused(uri: str, camera_id: str | None, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        asked("site-1", uri, camera_id, "", 5, "anna")
