"""`emostream cameras`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli import complete
from pipeline.cli.options import By, SettingsFile
from pipeline.console.listing import listing_console
from pipeline.settings import load

cameras_app = typer.Typer(
    help="Cameras: what they do; add, pause and remove them while all runs.", no_args_is_help=True
)
Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit log.")]
CameraId = Annotated[str, typer.Argument(help="Name of the camera.", autocompletion=complete.cameras)]


@cameras_app.command("list")
def cameras_list(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False, config: SettingsFile = None
) -> None:
    """Print the cameras: those that were added, and those of capture's settings that were heard of."""
    from pipeline.console.cameras import show

    show(load(config), as_json, listing_console())


@cameras_app.command("add")
def cameras_add(
    uri: Annotated[str, typer.Argument(help="Camera URI, without a password.")],
    by: By,
    camera_id: Annotated[
        str | None, typer.Option("--id", help="Its name, here or in the URI; else made from the address.")
    ] = None,
    credentials: Annotated[
        str, typer.Option(help="env:CAMERA_..., a variable that holds user:password where capture runs.")
    ] = "",
    fps: Annotated[float | None, typer.Option(help="Frames/s that are captured at most, here or in the URI.")] = None,
    config: SettingsFile = None,
) -> None:
    """Add a camera, or change one that was added; capture follows within seconds."""
    from pipeline.console.cameras import add

    print(add(load(config), uri, camera_id, credentials, fps, by))


@cameras_app.command("remove")
def cameras_remove(camera: CameraId, by: By, config: SettingsFile = None) -> None:
    """Remove a camera that was added."""
    from pipeline.console.cameras import remove

    print(remove(load(config), camera, by))


@cameras_app.command("pause")
def cameras_pause(camera: CameraId, by: By, reason: Reason = "", config: SettingsFile = None) -> None:
    """Let a camera rest: nothing is captured, and its windows expect nothing."""
    from pipeline.console.cameras import pause

    print(pause(load(config), camera, True, by, reason))


@cameras_app.command("resume")
def cameras_resume(camera: CameraId, by: By, reason: Reason = "", config: SettingsFile = None) -> None:
    """Let a paused camera go on."""
    from pipeline.console.cameras import pause

    print(pause(load(config), camera, False, by, reason))
