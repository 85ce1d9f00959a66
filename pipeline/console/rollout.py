"""`emostream model rollout`: what is asked for, how far it is, and what was measured."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.text import Text

from pipeline.cameras.registry import CameraRegistry
from pipeline.console.audited import Change, audited
from pipeline.console.cameras import last_heard
from pipeline.console.listing import listing
from pipeline.errors import EmostreamError, UsageError
from pipeline.kafka.believable import taken
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import GONE, Bounds, RoleStatus, Rollout, Stage
from pipeline.rollout import asking
from pipeline.rollout.judge import Judge
from pipeline.rollout.registry import RolloutRegistry
from pipeline.rollout.stages import Known, Plan, begun, ended, told, widened
from pipeline.rollout.status import Status, status
from pipeline.settings import Settings
from pipeline.topics import ROLES

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = timedelta(days=30)


def start(settings: Settings, version: str, shadow_for: str, share: str, bounds: Bounds, by: str, reason: str) -> str:
    """Raises UsageError naming what is wrong, ClassifierUnavailable where a server does not have that version."""
    with audited(settings, Change("rollout.start", f"model/{version}", by, reason)) as change:
        plan = Plan(seconds("--shadow-for", shadow_for), _share(share), bounds)
        live, candidate = asking.live(settings.classify), asking.candidate(settings.classify, version)
        with RolloutRegistry(settings.kafka, settings.site) as registry:
            now = datetime.now(UTC)
            new = begun(
                settings.site, live, candidate, registry.known(), plan, cameras(settings), at=now, by=by, reason=reason
            )
            registry.put(new)
        change.after = _audit(new)
    return (
        f"{told(candidate.ref)} reads along with {told(live.ref)}; `emostream model rollout status` tells how it does"
    )


def widen(settings: Settings, share: str, by: str, reason: str) -> str:
    """Raises UsageError, WrongStage."""
    wanted = _share(share)
    new = _change(settings, Change("rollout.share", "rollout", by, reason), lambda known: widened(*known, wanted))
    return f"{told(new.candidate.ref)}: {new.share:.0%} of the cameras"


def end(settings: Settings, how: Stage, by: str, reason: str) -> str:
    """Raises WrongStage."""
    action = "rollout.finish" if how is Stage.FINISHED else "rollout.back"
    new = _change(settings, Change(action, "rollout", by, reason), lambda known: ended(*known, how))
    if how is Stage.FINISHED:
        return f"{told(new.candidate.ref)} reads all; name it with classify.model, too"
    return f"{told(new.live)} reads all again"


def _change(settings: Settings, change: Change, made: Callable[[Known], Rollout]) -> Rollout:
    with audited(settings, change), RolloutRegistry(settings.kafka, settings.site) as registry:
        known = registry.known()
        said = {"changed_at": datetime.now(UTC), "changed_by": change.who, "reason": change.reason}
        new = made(known).model_copy(update=said)
        change.target = f"model/{new.candidate.ref.version}"
        change.before = None if known[0] is None else _audit(known[0])
        change.after = _audit(new)
        registry.put(new)
    return new


def show(settings: Settings, as_json: bool, console: Console) -> None:
    with RolloutRegistry(settings.kafka, settings.site) as registry:
        rollout, verdict = registry.known()
    if rollout is None:
        console.print("null" if as_json else "no rollout; `emostream model rollout start VERSION` begins one")
        return
    judge = Judge()
    with Reader(settings.kafka, [ROLES]) as reader:
        reader.from_time(rollout.started_at)
        for record in reader.to_end():
            sign = None if record.value is None else parse(record)
            if isinstance(sign, RoleStatus) and sign.site == settings.site:
                judge.add(sign, taken(record))
    found = status(rollout, verdict, judge, datetime.now(UTC))
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        _print(found, _servers(settings, rollout), console)


def _print(found: Status, servers: dict[str, str], console: Console) -> None:
    console.print(f"{told(found.rollout.candidate.ref)} in place of {told(found.rollout.live)}: ", end="")
    bad = found.stage is Stage.BACKED_OUT
    console.print(Text(found.stage.replace("_", " "), style="red" if bad else "green"), highlight=False)
    share = f"{found.rollout.share:.0%} of the cameras"
    console.print(
        f"id {found.rollout.rollout_id}, {share}, begun {found.rollout.started_at.astimezone():%d %b %H:%M:%S}"
    )
    for line in (found.reason, found.waits and f"waits {found.waits}"):
        if line:
            console.print(line, highlight=False)
    if found.measures:
        table = listing(("measured", "share", "of", "allowed"), ())
        for each in found.measures:
            table.add_row(each.metric, f"{each.share:.2%}", str(each.of), f"{each.allowed:.2%}")
        console.print(table)
    for url, said in servers.items():
        console.print(f"{url}: {said}", highlight=False)


def _servers(settings: Settings, rollout: Rollout) -> dict[str, str]:
    """Whether each server has both versions."""
    found = {}
    for url in settings.classify.addresses:
        lacks = []
        for version in (rollout.live.version, rollout.candidate.ref.version):
            try:
                asking.candidate(settings.classify.model_copy(update={"url": url}), version)
            except EmostreamError as error:
                lacks.append(f"{version}: {error.message}")
        found[url] = "; ".join(lacks) or "has both versions"
    return found


def cameras(settings: Settings) -> set[str]:
    """site/camera of those that there are."""
    with CameraRegistry(settings.kafka, settings.site) as registry:
        wanted = set(registry.all())
    heard = {camera for camera, said in last_heard(settings).items() if said.state not in GONE}
    return {f"{settings.site}/{camera}" for camera in wanted | heard}


def part(option: str, text: str) -> float:
    """`10%` or `0.1`. Raises UsageError."""
    try:
        found = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise UsageError(f"{option}: {text!r} is no part of all", "10%, or 0.1")
    return found


def seconds(option: str, text: str) -> float:
    """`90s`, `10m`, `2h`, `1d`. Raises UsageError."""
    unit = UNITS.get(text[-1:])
    try:
        found = float(text[:-1]) * unit if unit else -1.0
    except ValueError:
        found = -1.0
    if not 0 <= found <= LONGEST.total_seconds():
        raise UsageError(f"{option}: {text!r} is no time of at most {LONGEST.days} days", "90s, 10m, 2h, 1d")
    return found


def _audit(rollout: Rollout) -> dict[str, Any]:
    return rollout.model_dump(mode="json", exclude={"schema_version", "changed_at", "changed_by"})


def _share(text: str) -> float:
    share = part("--share", text)
    if not share:
        raise UsageError(f"--share: {text!r} is nobody", "10%, or 0.1")
    return share
