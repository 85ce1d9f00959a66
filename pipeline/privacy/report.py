"""`emostream privacy report`: for an inspector, in a few minutes of reading."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.cameras.registry import CameraRegistry
from pipeline.capture.uri import camera_specs
from pipeline.kafka.held import held_topics
from pipeline.privacy import broker
from pipeline.privacy.kept import Kept, Verdict, copies, kept
from pipeline.settings import Settings
from pipeline.topics import plan
from pipeline.wording import Language
from pipeline.wording import kept as duration

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600

NOT_KEPT = (
    "No picture and no cut-out face is written to any disk but Kafka's: what the processes hold is in memory, core "
    "files are switched off, and so is the spilling of Ray's object store. Memory that the system swaps out is the "
    "system's own matter.",
    "Nothing is computed that a person could be known again by: no embeddings, no templates. The number that follows "
    "a face is drawn by chance for each run, and ends when the face is out of view for a few seconds.",
    "A record that could not be used is told of without its picture, in the topic of dead letters as in the logs.",
    "Logs hold names of cameras and numbers of frames, no figures on faces.",
)
SUMS = (
    "No record of a single face leaves the analyzers, and there are no previews (privacy.mode: aggregates). What was "
    "written before that was set stays until it is as old as its topic keeps records."
)


@dataclass(frozen=True)
class Report:
    """`masks`: how many each camera has. `told`: hosts that alerts are sent to. `copies`: topics of replays."""

    site: str
    at: datetime
    purpose: str
    mode: str
    kept: list[Kept]
    masks: dict[str, int]
    told: list[str]
    copies: list[str]
    not_kept: tuple[str, ...]

    @property
    def as_promised(self) -> bool:
        return all(row.verdict is not Verdict.TOO_LONG for row in self.kept)

    def to_json(self) -> dict[str, Any]:
        values = asdict(self) | {"as_promised": self.as_promised, "at": self.at.isoformat()}
        for row in values["kept"]:
            if row["contents"] is not None and row["contents"]["oldest"] is not None:
                row["contents"]["oldest"] = row["contents"]["oldest"].isoformat()
        return values


def report(settings: Settings) -> Report:
    """What is so now. Raises DependencyError without Kafka."""
    kafka = settings.kafka
    planned = plan(kafka)
    held = held_topics(kafka, planned)
    rows = kept(settings, planned, held, broker.contents(kafka, held), broker.check_seconds(kafka))
    return Report(
        site=settings.site,
        at=datetime.now(UTC),
        purpose=settings.policy.purpose or "none is declared",
        mode=settings.privacy.mode,
        kept=rows,
        masks=_masks(settings, held),
        told=sorted({urlsplit(webhook.url).hostname or "" for webhook in settings.webhooks}),
        copies=copies(broker.names(kafka), planned),
        not_kept=(SUMS, *NOT_KEPT) if settings.privacy.aggregates else NOT_KEPT,
    )


def show(found: Report, console: Console) -> None:
    """The report as tables and sentences."""
    console.print(f"[bold]What is kept of people at {escape(found.site)}[/bold], {found.at:%d %B %Y, %H:%M} UTC")
    console.print(f"Purpose: {escape(found.purpose)}\n")
    for row in found.kept:
        console.print(_row(row))
        console.print(f"  {escape(row.holds)}\n", style="dim")
    for line in _sentences(found):
        console.print(f"- {line}", highlight=False)
    verdict = (
        "Everything is kept as promised." if found.as_promised else "Not everything is kept as promised, see above."
    )
    console.print(f"\n[bold]{verdict}[/bold]")


def _row(row: Kept) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(width=24, style="bold")
    table.add_column(width=38)
    table.add_column()
    mark = "" if row.verdict is Verdict.AS_PROMISED else f"[red]{row.verdict}[/red]"
    table.add_row(escape(row.topic), f"{_lasting(row)} {mark}", _now(row))
    return table


def _lasting(row: Kept) -> str:
    held = row.promised if row.verdict is Verdict.MISSING else row.held
    if held is None:
        return "the last of each, until removed"
    words = f"kept {_words(held)}"
    if row.verdict is Verdict.TOO_LONG and row.promised is not None:
        words += f", promised {_words(row.promised)}"
    return words + (f", gone after {_words(row.gone)}" if row.gone is not None else "")


def _now(row: Kept) -> str:
    if row.contents is None or not row.contents.records:
        return "nothing now"
    size = "" if row.contents.bytes is None else f", {row.contents.bytes / 2**20:.1f} MiB"
    oldest = "" if row.contents.oldest is None else f", oldest {row.contents.oldest:%d %b %H:%M:%S}"
    return f"{row.contents.records} records{size}{oldest}"


def _words(seconds: float) -> str:
    """As exact as somebody wants to know it, and never less than it is: 7 days and an hour are 8 days."""
    unit = next((unit for unit in (DAY, HOUR, MINUTE) if seconds > 2 * unit), 1)
    return duration(Language.EN, math.ceil(seconds / unit) * unit)


def _sentences(found: Report) -> Iterator[str]:
    yield from map(escape, found.not_kept)
    for camera, count in found.masks.items():
        yield f"Camera {escape(camera)}: {_counted(count)} blacked out before anything is published."
    if found.told:
        yield f"Alerts are sent to {escape(', '.join(found.told))}."
    for name in found.copies:
        yield f"{escape(name)} is a replay's copy; `emostream replay --delete` removes it."


def _counted(masks: int) -> str:
    return {0: "no part of its picture is", 1: "1 part of its picture is"}.get(
        masks, f"{masks} parts of its picture are"
    )


def _masks(settings: Settings, held: Mapping[str, Any]) -> dict[str, int]:
    """Of the settings' cameras, and of those that were added since."""
    masks = {spec.id: len(spec.masks) for spec in camera_specs(settings.cameras)}
    if plan(settings.kafka)["cameras"].name in held:
        with CameraRegistry(settings.kafka, settings.site) as registry:
            masks |= {name: len(camera.masks) for name, camera in registry.all().items() if name not in masks}
    return dict(sorted(masks.items()))
