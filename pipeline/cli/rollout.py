"""`emostream model rollout`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import By, SettingsFile
from pipeline.console.listing import listing_console
from pipeline.messages import Bounds
from pipeline.settings import load

rollout_app = typer.Typer(
    help="Bring another version of the model into service: as a shadow, for some cameras, for all.",
    no_args_is_help=True,
)
USUAL = Bounds()
Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit log.")]
Share = Annotated[str, typer.Option("--share", help="Part of the cameras that are given to it, such as 10%.")]


@rollout_app.command("start")
def rollout_start(
    version: Annotated[str, typer.Argument(help="As the model servers have it; see `emostream model list`.")],
    by: By,
    shadow_for: Annotated[str, typer.Option("--shadow-for", help="How long it only reads along, at least.")] = "10m",
    share: Share = "10%",
    max_failures: Annotated[str, typer.Option(help="Requests that may fail beyond the live model's.")] = "2%",
    max_label_changes: Annotated[str, typer.Option(help="Faces that may be given another expression.")] = "15%",
    max_distance: Annotated[
        float, typer.Option(min=0, max=1, help="Total variation distance of the scores, in the mean.")
    ] = USUAL.distance,
    faces: Annotated[int, typer.Option(min=1, help="To be compared before it goes on.")] = USUAL.faces,
    reason: Reason = "",
    config: SettingsFile = None,
) -> None:
    """Begin: the version reads what the live model reads, and goes on by itself if it keeps to the bounds."""
    from pipeline.console.rollout import part, start

    bounds = Bounds(
        failures=part("--max-failures", max_failures),
        label_changes=part("--max-label-changes", max_label_changes),
        distance=max_distance,
        faces=faces,
    )
    print(start(load(config), version, shadow_for, share, bounds, by, reason))


@rollout_app.command("status")
def rollout_status(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False, config: SettingsFile = None
) -> None:
    """Print how far it is, what was measured, and what it waits for."""
    from pipeline.console.rollout import show

    show(load(config), as_json, listing_console())


@rollout_app.command("share")
def rollout_share(
    share: Annotated[str, typer.Argument(help="Part of the cameras, such as 50%.")],
    by: By,
    reason: Reason = "",
    config: SettingsFile = None,
) -> None:
    """Give it another part of the cameras; with a larger one none of its cameras goes back."""
    from pipeline.console.rollout import widen

    print(widen(load(config), share, by, reason))


@rollout_app.command("back")
def rollout_back(by: By, reason: Reason = "", config: SettingsFile = None) -> None:
    """Take it back: the model of the settings reads all again, within seconds."""
    from pipeline.console.rollout import end
    from pipeline.messages import Stage

    print(end(load(config), Stage.BACKED_OUT, by, reason))


@rollout_app.command("finish")
def rollout_finish(by: By, reason: Reason = "", config: SettingsFile = None) -> None:
    """Give it all cameras. Name it in the settings then: they have the last word when analyzers are started."""
    from pipeline.console.rollout import end
    from pipeline.messages import Stage

    print(end(load(config), Stage.FINISHED, by, reason))
