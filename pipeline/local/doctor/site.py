"""What the settings ask for: a purpose, secrets that are there and stay secret, ports that are free."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from pipeline.access import Access
from pipeline.errors import UsageError
from pipeline.local.doctor.check import Check
from pipeline.policy.check import refusals, remarks
from pipeline.settings import Settings, is_loopback

OURS = "emostream"
OTHERS = 0o077  # rights of the group and of everybody


def policy(settings: Settings, config: Path | None) -> Check:
    if config is None and settings.policy.purpose is None:
        return Check("policy", "warn", "nothing is declared: no settings file is given", "`emostream init` writes one")
    for refused in refusals(settings.policy):
        return Check("policy", "fail", f"{refused.field}: {refused.message}", refused.hint)
    declared = f"{settings.policy.setting}: {settings.policy.purpose}"
    found = [finding for finding in remarks(settings) if finding.field != "policy.setting"]
    if found:
        return Check("policy", "warn", declared, "\n".join(map(str, found)))
    return Check("policy", "ok", declared)


def secrecy(settings: Settings, config: Path) -> Check:
    """A file with a password in it is for its owner's eyes."""
    held = any("@" in camera.uri.partition("://")[2].partition("/")[0] for camera in settings.cameras)
    if held and config.stat().st_mode & OTHERS:
        hint = f"chmod 600 {config}, or better `credentials: env:CAMERA_...` of the camera in place of the password"
        return Check("settings file", "warn", f"{config} holds a camera's password, and others may read it", hint)
    return Check("settings file", "ok", str(config))


def secrets(settings: Settings, environ: Mapping[str, str] = os.environ) -> Check:
    """Tokens and passwords that the settings name, and that have to be in the environment."""
    missing = list(_missing(settings, environ))
    if missing:
        return Check("secrets", "fail", "; ".join(missing), "set them where the role runs that needs them")
    names = [token.name for token in settings.api.tokens]
    return Check("secrets", "ok", f"API tokens of {', '.join(names)}" if names else "none needed on this machine alone")


def _missing(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    try:
        Access.of(settings.api)
    except UsageError as error:
        yield error.message
    if not settings.api.tokens and not is_loopback(settings.dashboard.host):
        yield f"api.tokens: none, but dashboard.host {settings.dashboard.host} is reached from other machines"
    for camera in settings.cameras:
        variable = camera.credentials.removeprefix("env:")
        if variable and ":" not in environ.get(variable, ""):
            yield f"camera {camera.id or camera.uri}: {variable} does not hold user:password"


def ports(settings: Settings) -> Check:
    """Those that are not left to chance."""
    wanted = {
        "api.port": (settings.api.host, settings.api.port),
        "dashboard.port": (settings.dashboard.host, settings.dashboard.port),
        "metrics.port": (settings.metrics.host, settings.metrics.port),
    }
    taken: list[str] = []
    ours: list[str] = []
    for field, (host, port) in wanted.items():
        if not port or _free(host, port):
            continue
        holder = _holder(port)
        if holder == OURS:
            ours.append(f"{field} {port}")
        else:
            taken.append(f"{field} {port} (by {holder})" if holder else f"{field} {port}")
    if taken:
        return Check("ports", "fail", f"taken: {', '.join(taken)}", "end what listens there, or name another port")
    fixed = ", ".join(f"{field} {port}" for field, (_, port) in wanted.items() if port)
    return Check("ports", "ok", f"in use by a running emostream: {', '.join(ours)}" if ours else f"free: {fixed}")


def _free(host: str, port: int) -> bool:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError:
        return False
    return True


def _holder(port: int) -> str:
    """Who listens there; "" where that cannot be told."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:
        return ""
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid:
            try:
                process = psutil.Process(connection.pid)
                line = " ".join(process.cmdline())
                return OURS if "pipeline.cli" in line or "ray::" in line else process.name()
            except psutil.Error:
                return ""
    return ""
