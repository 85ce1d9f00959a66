"""`emostream policy` and `audit`: what the system is for, and who changed what."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from pipeline.cli.options import SettingsFile, SpokenLanguage
from pipeline.console.listing import listing_console
from pipeline.policy.check import refusals, remarks, require
from pipeline.policy.notice import notice
from pipeline.settings import load
from pipeline.wording import Language

app = typer.Typer()
policy_app = typer.Typer(help="What the system is for, and what people are told of it.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")


@policy_app.command("check")
def policy_check(config: SettingsFile = None) -> None:
    """Say whether faces may be read as the settings stand, and what else to think of."""
    settings = load(config)
    refused = refusals(settings.policy)
    for finding in refused:
        print(f"refused: {finding}")
    for finding in remarks(settings) if not refused else ():
        print(f"to think of: {finding}")
    if not refused:
        print(f"declared: {settings.policy.setting}: {settings.policy.purpose}")
    raise typer.Exit(2 if refused else 0)


@policy_app.command("notice")
def policy_notice(language: SpokenLanguage = Language.EN, config: SettingsFile = None) -> None:
    """Print a notice for the people who are filmed, from what the settings say. Have it checked before you hang it."""
    settings = load(config)
    require(settings.policy)
    print(notice(settings, language), end="")
    for finding in remarks(settings):
        print(f"emostream: {finding}", file=sys.stderr)


@app.command()
def audit(
    since: Annotated[
        str | None, typer.Option(help="From this time on: 90s, 10m, 2h, 1d ago, or an ISO time. Default: all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
    config: SettingsFile = None,
) -> None:
    """Print who changed what, and who was refused."""
    from pipeline.console.audit import show
    from pipeline.console.events import parse_since

    start = None if since is None else parse_since(since, datetime.now(UTC))
    show(load(config).kafka, start, as_json, listing_console())
