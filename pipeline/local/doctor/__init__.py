"""`emostream doctor`: what stands in the way, here and on the way to the site's Kafka and model, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.local.doctor import broker, camera, machine, services, site
from pipeline.local.doctor.check import Check, guarded, render
from pipeline.settings import Settings

__all__ = ["Check", "examine", "render"]


def examine(settings: Settings, config: Path | None = None, *, cameras: bool = True) -> list[Check]:
    """All checks, in the order a person would fix them.

    `config`: the settings file, None without one: then nobody has decided yet what the machine is to run, and what a
    site needs is only worth a look. `cameras`: whether those of the settings are opened, for some seconds each.
    """
    looks: dict[str, Callable[[], Check]] = {
        "policy": lambda: site.policy(settings, config),
        "secrets": lambda: site.secrets(settings),
        **machine.looks(settings),
        "ports": lambda: site.ports(settings),
    }
    if config is not None:
        looks["settings file"] = lambda: site.secrecy(settings, config)
    checks = [guarded(name, look) for name, look in looks.items()]
    opened = camera.checks(settings) if cameras else ()
    return [*checks, *broker.checks(settings.kafka), *services.checks(settings), *opened]
