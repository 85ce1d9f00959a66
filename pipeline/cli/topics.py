"""What stands in the topics."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.cli import complete
from pipeline.cli.options import (
    ReportFile,
    SettingsFile,
    check_writable,
    stop_on_signals,
    write_report,
)
from pipeline.errors import UsageError
from pipeline.logs import set_up
from pipeline.policy.check import require
from pipeline.settings import load
from pipeline.topics import EVENTS, FRAMES

app = typer.Typer()
topics_app = typer.Typer(help="Kafka topics.", no_args_is_help=True)
app.add_typer(topics_app, name="topics")


@app.command()
def events(
    topic: Annotated[str, typer.Option(help="Topic to read.", autocompletion=complete.topics)] = EVENTS,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes.")] = False,
    since: Annotated[
        str | None, typer.Option(help="From this time on: 90s, 10m, 2h, 1d ago, or an ISO time. Default: all.")
    ] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write this file instead, for analysts.")] = None,
    kind: Annotated[
        str | None, typer.Option("--type", help="With --parquet: the ce_type of the records. Default: the topic's own.")
    ] = None,
    config: SettingsFile = None,
) -> None:
    """Print a topic as JSON lines, or write it as Parquet."""
    from pipeline.console.events import show
    from pipeline.console.parquet import export

    if follow and parquet is not None:
        raise UsageError("--follow: a Parquet file has an end", "leave one of them out")
    stop = stop_on_signals()
    kafka = load(config).kafka
    if parquet is None:
        show(kafka, topic, follow, since, stop)
    else:
        print(export(kafka, topic, parquet, since, kind, stop))


@app.command()
def replay(
    topic: Annotated[str, typer.Option(help="frames or emotion-events.")] = FRAMES,
    since: Annotated[str | None, typer.Option(help="From this time on, as `events` takes it. Default: all.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time. Default: where the topic ends now.")] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera's; may be given several times.")] = None,
    name: Annotated[str | None, typer.Option(help="Names the replay's topics. Default: the time.")] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of the model to try, in place of the settings'.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Remove the topics of the replay --name.")] = False,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """Old frames or observations through the same code, into topics of their own, and what comes out otherwise."""
    from pipeline.replay.command import Options, run
    from pipeline.replay.command import delete as remove

    set_up("CRITICAL")
    settings = load(config)
    if delete:
        remove(settings.kafka, name, Console())
        return
    require(settings.policy)
    if report is not None:
        check_writable(report)
    options = Options(topic, since, until, tuple(camera or ()), name, model)
    write_report(report, run(settings, options, Console(), stop_on_signals()))


@topics_app.command("apply")
def topics_apply(config: SettingsFile = None) -> None:
    """Create the topics that are missing, and have those shortened that keep records longer than the settings say."""
    from pipeline.console.audited import Change, audited
    from pipeline.kafka.retention import apply
    from pipeline.topics import plan

    settings = load(config)
    created, shortened = apply(settings.kafka, plan(settings.kafka))
    if created or shortened:
        change = Change("topics.apply", "topics", getpass.getuser())
        change.before = {f"{each.topic}: {each.field}": each.found for each in shortened}
        change.after = {"created": created, **{f"{each.topic}: {each.field}": each.wanted for each in shortened}}
        with audited(settings, change):
            pass
    for each in shortened:
        print(f"{each.topic}: {each.field} was {each.found}, is now {each.wanted}")
    print("created: " + ", ".join(created) if created else "all topics are there")


@topics_app.command("check")
def topics_check(config: SettingsFile = None) -> None:
    """Compare the topics with the plan."""
    from pipeline.kafka.clients import check_topics
    from pipeline.kafka.held import held_topics
    from pipeline.kafka.retention import overlong
    from pipeline.topics import plan

    kafka = load(config).kafka
    planned = plan(kafka)
    lines = check_topics(kafka)
    for each in overlong(planned, held_topics(kafka, planned)):
        lines.append(f"{each.topic}: {each.field} is {each.found}, planned {each.wanted}: its records stay too long")
    print("\n".join(lines) or "all topics are as planned")
    raise typer.Exit(1 if lines else 0)


@topics_app.command("acls")
def topics_acls(
    role: Annotated[list[str] | None, typer.Option(help="Only this role; may be given several times.")] = None,
    user: Annotated[
        str, typer.Option(help="Who a role is to Kafka; {role} stands for its name. Without it: one for all.")
    ] = "emostream-{role}",
    apply: Annotated[bool, typer.Option("--apply", help="Have the brokers hold to it.")] = False,
    config: SettingsFile = None,
) -> None:
    """What each role may do on the brokers; with --apply, these users may do that and nothing else."""
    from pipeline.kafka import acls
    from pipeline.kafka.grants import NEEDS

    settings = load(config)
    unknown = set(role or ()) - set(NEEDS)
    if unknown:
        raise UsageError(f"--role: no role {min(unknown)!r}", f"there are {', '.join(NEEDS)}")
    wanted = acls.planned(settings, role or list(NEEDS), user)
    if not apply:
        print("\n".join(map(acls.told, wanted)))
        return
    added, removed = acls.apply(settings.kafka, wanted)
    print("\n".join([*(f"+ {acls.told(each)}" for each in added), *(f"- {acls.told(each)}" for each in removed)]))
    print(f"{len(wanted)} rights, {len(added)} of them new; {len(removed)} taken away")
