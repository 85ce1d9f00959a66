"""`emostream alerts`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli import complete
from pipeline.cli.options import (
    By,
    SettingsFile,
)
from pipeline.console.listing import listing_console
from pipeline.messages import Scope
from pipeline.settings import load

Rule = Annotated[
    str | None,
    typer.Option("--rule", help="Alerts of this rule; `alerts rules` lists them.", autocompletion=complete.rules),
]
AlertScope = Annotated[Scope | None, typer.Option("--scope", help="What --scope-id names, where that is not clear.")]
ScopeId = Annotated[
    str | None,
    typer.Option("--scope-id", help="Alerts of this camera, zone or site.", autocompletion=complete.scopes),
]

alerts_app = typer.Typer(help="Alerts: what stands, who looks after it, what is to be quiet.", no_args_is_help=True)


@alerts_app.command("list")
def alerts_list(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are cleared.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
    config: SettingsFile = None,
) -> None:
    """Print the alerts that stand."""
    from pipeline.console.alerts import show

    show(load(config).kafka, everything, as_json, listing_console())


@alerts_app.command("rules")
def alerts_rules(config: SettingsFile = None) -> None:
    """Print the rules of the settings."""
    from pipeline.console.alerts import show_rules

    show_rules(load(config), listing_console())


@alerts_app.command("ack")
def alerts_ack(
    alert: Annotated[str, typer.Argument(help="The alert's id, or how it begins.")], by: By, config: SettingsFile = None
) -> None:
    """Say that somebody looks after an alert: it calls nobody any more."""
    from pipeline.console.alerts import acknowledge

    print(acknowledge(load(config), alert, by))


@alerts_app.command("silence")
def alerts_silence(
    lasts: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, at most 24h; 0s ends it.")],
    by: By,
    rule: Rule = None,
    scope: AlertScope = None,
    scope_id: ScopeId = None,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    config: SettingsFile = None,
) -> None:
    """Let alerts call nobody for a while; they are told on the topic all the same."""
    from pipeline.aggregate.ask import Target
    from pipeline.console.alerts import silence

    settings = load(config)
    print(silence(settings, Target(settings.site, rule, scope, scope_id), lasts, by, reason))


@alerts_app.command("forget")
def alerts_forget(
    by: By, rule: Rule = None, scope: AlertScope = None, scope_id: ScopeId = None, config: SettingsFile = None
) -> None:
    """Close alerts and learn anew what is usual: somebody else lives there, a camera is gone for good."""
    from pipeline.aggregate.ask import Target
    from pipeline.console.alerts import forget

    settings = load(config)
    print(forget(settings, Target(settings.site, rule, scope, scope_id), by))
