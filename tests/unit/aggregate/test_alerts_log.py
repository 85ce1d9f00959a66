"""Alerts from the log: the same records, by alert and update, however often who makes them is killed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aggregate.aggregator import EventsPartition, Made, StatePartition
from pipeline.aggregate.alerts.absence import Absence
from pipeline.aggregate.alerts.commands import Acknowledge, Command, Forget, Silence
from pipeline.aggregate.alerts.owner import Rules
from pipeline.aggregate.state import PanesRecord, ScopeRecord
from pipeline.aggregate.windows import Policy, Spec
from pipeline.messages import Alert, AlertState, CameraState, ClearedBy, Idle, Ledger, Message, Scope
from pipeline.settings import AlertSettings, NoDataSettings
from pipeline.zones import Zones
from tests.records import START, at, busy_log, face, ledger, observed

TEN = timedelta(seconds=10)
POLICY = Policy((Spec(2 * TEN, 2 * TEN), Spec(3 * TEN, TEN)), TEN, 2 * TEN)
RULES = Rules(
    [
        AlertSettings.model_validate(values)
        for values in (
            {"id": "sad", "window": "20s", "expressions": ["sad"], "above": 0.5, "min_told": 3, "clear": 0.3},
            {"id": "often", "window": "30s/10s", "expressions": ["sad", "fear"], "above": 1, "min_told": 1,
             "against": "baseline", "baseline_windows": 5, "for_seconds": 40},
            {"id": "jump", "window": "20s", "expressions": ["happy"], "above": 0.4, "measure": "change", "min_told": 1},
            {"id": "all", "scope": "site", "window": "20s", "expressions": ["sad"], "above": 0.4, "min_told": 3},
        )
    ],
    Absence(NoDataSettings(window="20s", for_seconds=40, clear_for_seconds=20, group_at=2), Spec(2 * TEN, 2 * TEN)),
)  # fmt: skip
CAMERAS = ("a", "b", "c")
Log = list[PanesRecord | Command]


def panes_of(messages: Sequence[Message]) -> Log:
    events = EventsPartition(POLICY, Zones([]))
    return [
        made
        for offset, message in enumerate(messages)
        for made in events.add(message, offset, START)
        if isinstance(made, PanesRecord)
    ]


def read(partition: StatePartition, log: Sequence[PanesRecord | Command], first: int = 0) -> Iterator[list[Made]]:
    for offset, record in enumerate(log, first):
        if isinstance(record, PanesRecord):
            yield partition.add(record, CAMERAS if record.scope is Scope.SITE else (), offset)
        else:
            yield partition.command(record, offset)


def alerts_of(made: Sequence[Sequence[Made]]) -> list[Alert]:
    return [record for records in made for record in records if isinstance(record, Alert)]


def interleaved(seed: int) -> list[Message]:
    rng = random.Random(seed)
    logs = {camera: busy_log(camera, seed) for camera in CAMERAS}
    messages: list[Message] = []
    while any(logs.values()):
        messages.append(logs[rng.choice([camera for camera in CAMERAS if logs[camera]])].pop(0))
    return messages


def with_commands(panes: Log, seed: int) -> Log:
    """People acknowledge, silence and forget what they have just been told of."""
    rng = random.Random(seed)
    partition = StatePartition(POLICY, rules=RULES)
    log: Log = []
    for record in panes:
        log.append(record)
        for alert in alerts_of(list(read(partition, [record], len(log) - 1))):
            if rng.random() < 0.3:
                asked = [
                    Acknowledge(alert_id=alert.alert_id, at=alert.at, by="Ada"),
                    Silence(at=alert.at, by="Bob", rule=alert.rule, until=alert.at + rng.randrange(30) * TEN),
                    Forget(at=alert.at, by="Eve", rule=alert.rule, scope=alert.scope, id=alert.id),
                ]
                command = rng.choice(asked)
                partition.command(command, len(log))
                log.append(command)
    return log


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_alerts_are_the_same_after_any_kills(seed: int) -> None:
    """Its state is stored now and then; one that begins anew reads all, then again what was not committed."""
    rng = random.Random(seed)
    log = with_commands(panes_of(interleaved(seed)), seed)
    undisturbed = {alert.event_id: alert for alert in alerts_of(list(read(StatePartition(POLICY, rules=RULES), log)))}
    stored: dict[str, bytes] = {}
    told: dict[str, Alert] = {}
    end = committed = 0
    while end < len(log):
        known, end = end, rng.randrange(end, len(log)) + 1
        partition = StatePartition(POLICY, [ScopeRecord.decode(value) for value in stored.values()], RULES)
        taken_up = list(read(partition, log[: rng.randrange(known, end + 1)]))
        made = [*taken_up, *read(partition, log[committed:end], committed)]
        for alert in alerts_of(made):
            assert told.setdefault(alert.event_id, alert) == alert
        if rng.random() < 0.7:  # else killed before anything was stored
            stored |= {r.key: r.encode() for records in made for r in records if isinstance(r, ScopeRecord)}
            committed = rng.randrange(committed, end + 1)
    assert told == undisturbed


def test_these_logs_hold_alerts_of_every_kind() -> None:
    """So that the test before says something."""
    kinds: Counter[tuple[str, AlertState | ClearedBy]] = Counter()
    for seed in range(6):
        log = with_commands(panes_of(interleaved(seed)), seed)
        for alert in alerts_of(list(read(StatePartition(POLICY, rules=RULES), log))):
            kinds[alert.rule, alert.cleared_by or alert.state] += 1
            kinds["grouped", alert.state] += alert.rule == "no-data" and alert.scope is Scope.SITE
            kinds["acknowledged", alert.state] += alert.acknowledged_at is not None
            kinds["silenced", alert.state] += alert.silenced
            kinds["stale", alert.state] += alert.stale
    for rule in ("sad", "often", "jump", "all", "no-data"):
        assert kinds[rule, AlertState.RAISED]
        assert kinds[rule, ClearedBy.DATA]
    assert kinds["sad", ClearedBy.FORGOTTEN]
    assert kinds["no-data", ClearedBy.GROUPED]
    for what in ("grouped", "acknowledged", "silenced", "stale"):
        assert kinds[what, AlertState.UPDATED]
    assert kinds["silenced", AlertState.RAISED]


def seen(camera: str, since: int, until: int, **last: object) -> list[Message]:
    """A frame a second. `last`: of its last ledger record."""
    log: list[Message] = []
    for start in range(since, until, 10):
        log += [observed(s, s + 0.5, [face("sad")], camera=camera) for s in range(start, start + 10)]
        log.append(ledger(start, start + 10, 10, camera, **(last if start + 10 >= until else {})))
    return log


def silent(camera: str, since: int, until: int) -> list[Message]:
    """Given up at the end."""
    return [
        Idle(site="site", camera=camera, since=at(s), until=at(s + 10), written_at=START, final=s + 10 >= until)
        for s in range(since, until, 10)
    ]


def no_data(*cameras: Sequence[Message]) -> list[Alert]:
    """Of these cameras, one after the other within ten seconds."""
    rest = [list(log) for log in cameras]
    messages: list[Message] = []
    while any(rest):
        log = min((log for log in rest if log), key=lambda log: end_of(log[0]))
        messages.append(log.pop(0))
    told = alerts_of(list(read(StatePartition(POLICY, rules=RULES), panes_of(messages))))
    return [alert for alert in told if alert.rule == "no-data"]


def end_of(message: Message) -> datetime:
    match message:
        case Ledger():
            return message.covers_to
        case Idle():
            return message.until
        case _:
            return message.captured_at


def test_a_camera_that_is_given_up_stays_away() -> None:
    here = [seen("a", 0, 400), seen("b", 0, 400)]
    [raised] = no_data(*here, [*seen("c", 0, 60), *silent("c", 60, 160)])
    assert (raised.state, raised.id, raised.cameras) == (AlertState.RAISED, "c", {"c": "silent"})
    _, cleared = no_data(*here, [*seen("c", 0, 60), *silent("c", 60, 160), *seen("c", 250, 400)])
    assert (cleared.state, cleared.cleared_by) == (AlertState.CLEARED, ClearedBy.DATA)


def test_a_camera_that_failed_is_away_and_one_that_was_stopped_is_not() -> None:
    """Of neither is anything expected any more."""
    here = [seen("a", 0, 400), seen("b", 0, 400)]
    [raised] = no_data(*here, seen("c", 0, 60, final=True, state=CameraState.FAILED))
    assert (raised.state, raised.id, raised.cameras) == (AlertState.RAISED, "c", {"c": "failed"})
    assert no_data(*here, seen("c", 0, 60, final=True, state=CameraState.STOPPED)) == []
