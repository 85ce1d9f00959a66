"""What Ray reads from the environment."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping

LOOPBACK_ONLY = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # at 0 Ray keeps to the loopback, on Linux too
MODE, TOKEN, TOKEN_PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"


def shut_in() -> dict[str, str | None]:
    """For a Ray that is this process's own: on the loopback, with a token that nobody else has.

    Whoever reaches a Ray runs what he likes on it.
    """
    return {MODE: "token", TOKEN: secrets.token_hex(32), TOKEN_PATH: None, LOOPBACK_ONLY: "0"}


def given(environ: Mapping[str, str]) -> dict[str, str | None]:
    """For a cluster that is there: with the token that this process was given, if any."""
    if MODE in environ:
        return {}
    return {MODE: "token" if environ.get(TOKEN) or environ.get(TOKEN_PATH) else "disabled"}


def set_environment(values: Mapping[str, str | None]) -> dict[str, str | None]:
    """Sets (None: removes) variables of this process, also for a Ray imported before; returns the old ones."""
    before = {name: os.environ.get(name) for name in values}
    for name, value in values.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    if "ray" in sys.modules:
        from ray import _raylet
        from ray._private import ray_constants

        ray_constants.ENABLE_RAY_CLUSTER = os.environ.get(LOOPBACK_ONLY) != "0"
        _raylet.Config.initialize("")  # type: ignore[attr-defined]  # compiled, and its stub lacks it
    return before
