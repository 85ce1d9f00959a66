"""`emostream replay`: from its options to its report."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.console.audited import Change, audited
from pipeline.console.events import parse_since
from pipeline.errors import DependencyError, UsageError
from pipeline.replay import events, frames, topics
from pipeline.replay.frames import Chosen
from pipeline.replay.span import Span, partitions, span
from pipeline.replay.table import show
from pipeline.settings import Settings
from pipeline.topics import EVENTS, FRAMES

TOPICS = (FRAMES, EVENTS)


@dataclass(frozen=True, slots=True)
class Options:
    """As on the command line. `name`: none, and it is called after the time of its start."""

    topic: str = FRAMES
    since: str | None = None
    until: str | None = None
    cameras: tuple[str, ...] = ()
    name: str | None = None
    model: Path | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A replay that is to be made."""

    settings: Settings
    name: str
    found: Span
    since: datetime | None
    chosen: Chosen
    stop: threading.Event


def run(settings: Settings, options: Options, console: Console, stop: threading.Event) -> dict[str, Any]:
    """The report. Raises EmostreamError, UsageError for an option that is wrong."""
    began = datetime.now(UTC)
    since, until = _times(options, began)
    name = options.name or f"{began:%Y%m%d-%H%M%S}"
    topics.own(settings.kafka, name)  # refuses a wrong name before anything is read
    if settings.privacy.aggregates:
        hint = "what is withheld could be told from what a replay says otherwise"
        raise UsageError("privacy.mode: aggregates: nothing is replayed", hint)
    found = span(settings.kafka, options.topic, since, until)
    job = Job(settings, name, found, since, Chosen(frozenset(options.cameras)), stop)
    with _bar(console, found.records) as bar:
        changes = _frames(job, options.model, bar) if options.topic == FRAMES else _events(job, bar)
    report = {
        "topic": options.topic,
        "name": name,
        "topic_prefix": topics.own(settings.kafka, name).topic_prefix,
        "since": None if since is None else since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "cut_off": bool(found.cut_off) and since is not None,
        "not_seen": _not_seen(job.chosen, changes),
        "records": found.records,
        "seconds": round((datetime.now(UTC) - began).total_seconds(), 1),
        **changes,
    }
    show(report, console)
    return report


def delete(settings: Settings, name: str | None, console: Console) -> None:
    """Removes the topics of a replay. Raises UsageError when there is no such replay."""
    if name is None:
        raise UsageError("--delete: which replay?", "name it with --name")
    with audited(settings, Change("replay.delete", f"replay/{name}", getpass.getuser())):
        removed = topics.delete(settings.kafka, name)
    console.print(f"removed {len(removed)} topics {removed[0].rpartition('.')[0]}.*", highlight=False)


def _times(options: Options, now: datetime) -> tuple[datetime | None, datetime | None]:
    if options.topic not in TOPICS:
        raise UsageError(f"--topic: {options.topic!r} cannot be replayed", f"one of {', '.join(TOPICS)}")
    if options.model is not None and options.topic != FRAMES:
        raise UsageError("--model: a model reads frames", f"--topic {FRAMES}")
    since = None if options.since is None else parse_since(options.since, now)
    until = None if options.until is None else parse_since(options.until, now, "--until")
    if since is not None and until is not None and since >= until:
        raise UsageError("--until: it is not after --since", "earlier times come first")
    return since, until


def _not_seen(chosen: Chosen, changes: dict[str, Any]) -> list[str]:
    """Cameras that were asked for and of which there are no records. Raises DependencyError when those are all."""
    seen = {camera.partition("/")[2] for camera in changes["cameras"]}
    missing = sorted(chosen.cameras - seen)
    if missing and not chosen.cameras & seen:
        hint = "emostream events shows whose there are; --camera wants a camera's name"
        raise DependencyError(f"--camera: no records of {', '.join(missing)} were replayed", hint)
    return missing


def _frames(job: Job, model: Path | None, bar: Bar) -> dict[str, Any]:
    kafka, found = job.settings.kafka, job.found
    if (there := partitions(kafka, EVENTS)) != found.partitions:
        raise DependencyError(
            f"{EVENTS} has {there} partitions, {FRAMES} has {found.partitions}: their cameras do not correspond",
            "emostream topics check tells what is planned",
        )
    bar.begin("loading the model")
    with closing(frames.classifier_of(job.settings, model)) as classifier:
        mine = topics.create(kafka, job.name, found.partitions)
        bar.begin("replaying frames")
        frames.replay(job.settings, mine, found, job.chosen, classifier, bar.advance, job.stop)
    bar.begin("comparing")
    return frames.compare(kafka, mine, found, job.since, job.chosen, bar.advance)


def _events(job: Job, bar: Bar) -> dict[str, Any]:
    mine = topics.create(job.settings.kafka, job.name, job.found.partitions)
    bar.begin("replaying observations")
    windows = events.replay(job.settings, mine, job.found, job.since, job.chosen, bar.advance, job.stop)
    bar.begin("comparing")
    return events.compare(job.settings, mine, job.found, job.since, windows)


class Bar:
    """A stage's name, and how many of the records it has dealt with."""

    def __init__(self, progress: Progress, records: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=records)
        self._stage = ""

    def begin(self, stage: str) -> None:
        self._stage = stage
        self.advance(0)

    def advance(self, done: int, note: str = "") -> None:
        self._progress.update(self._task, completed=done, description=f"{self._stage}: {note}" if note else self._stage)


@contextmanager
def _bar(console: Console, records: int) -> Iterator[Bar]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar(progress, records)
