"""What the shell offers while a command is typed: names of the settings. Kafka is not asked, and nothing goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import typer

from pipeline.errors import EmostreamError
from pipeline.settings import NO_DATA, KafkaSettings, Settings, load

USUAL_FILES = (Path("emostream.yaml"), Path("runs/latest/settings.yaml"))
Completer = Callable[[typer.Context, str], list[str]]


def _from_settings(names: Callable[[Settings], Iterable[str]]) -> Completer:
    """Of the file that was named before, or that is usually there."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        given = ctx.params.get("config")
        file = given or next((each for each in USUAL_FILES if each.exists()), None)
        try:
            found = names(load(file))
        except EmostreamError:
            return []
        return sorted({name for name in found if name.startswith(incomplete)})

    return complete


def _cameras(settings: Settings) -> Iterable[str]:
    from pipeline.capture.uri import camera_specs

    return (spec.id for spec in camera_specs(settings.cameras))


def _zones(settings: Settings) -> Iterable[str]:
    return (zone.id for zone in settings.zones)


cameras = _from_settings(_cameras)
places = _from_settings(lambda settings: [*_cameras(settings), *_zones(settings)])
scopes = _from_settings(lambda settings: [*_cameras(settings), *_zones(settings), settings.site])
rules = _from_settings(lambda settings: [NO_DATA, *(rule.id for rule in settings.alerts)])


def topics(incomplete: str) -> list[str]:
    from pipeline.topics import plan

    return [topic for topic in plan(KafkaSettings()) if topic.startswith(incomplete)]  # type: ignore[call-arg]
