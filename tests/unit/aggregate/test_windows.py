"""Windows against a brute force that counts the log again for every moment, under any interleaving and any kills."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aggregate.panes import PANE, WHOLE, CameraPanes, Pane, Tick
from pipeline.aggregate.tally import FRAME, Tally
from pipeline.aggregate.windows import Policy, ScopeWindows, Spec, Told
from pipeline.messages import (
    LABELS,
    Box,
    CameraState,
    Face,
    Idle,
    Ledger,
    Message,
    ModelRef,
    Observation,
    Quality,
    SeqRange,
    Stub,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
TUMBLING = Spec(timedelta(seconds=20), timedelta(seconds=20))
SLIDING = Spec(timedelta(seconds=30), timedelta(seconds=10))
POLICY = Policy((TUMBLING, SLIDING), timedelta(seconds=10), timedelta(seconds=20))
MODEL = ModelRef(name="model")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def face(label: str, track: str = "t", zones: Sequence[str] = ()) -> Face:
    scores = {name: 0.7 if name == label else 0.05 for name in LABELS}
    return Face(
        track_id=track, bbox=Box(x=0, y=0, width=1, height=1), detection_confidence=1, quality=Quality(size_px=50),
        scores=scores, label=label, confidence=0.7, zone_ids=list(zones),
    )  # fmt: skip


def observed(
    seq: int, seconds: float, faces: Sequence[Face] = (), session: int = 1, camera: str = "cam"
) -> Observation:
    return Observation(
        event_id=f"site/{camera}/{session}/{seq}", site="site", camera=camera, session=session, seq=seq,
        captured_at=at(seconds), processed_at=START, width=1, height=1, detector=MODEL, model=MODEL, faces=list(faces),
    )  # fmt: skip


def stub(seq: int, seconds: float, camera: str = "cam") -> Stub:
    return Stub(
        event_id=f"site/{camera}/1/{seq}", site="site", camera=camera, session=1, seq=seq, captured_at=at(seconds),
        processed_at=START, reason="jpeg",
    )  # fmt: skip


def ledger(since: float, until: float, expected: float, camera: str = "cam", **values: object) -> Ledger:
    return Ledger.model_validate(
        {
            "site": "site", "camera": camera, "session": 1, "written_at": START, "covers_from": at(since),
            "covers_to": at(until), "first_seq": 0, "next_seq": 0, "expected": expected, "state": CameraState.UP,
            **values,
        }
    )  # fmt: skip


def idle(since: float, until: float) -> Idle:
    return Idle(site="site", camera="cam", since=at(since), until=at(until), written_at=START)


class Reader:
    """What the consumer does: panes of every camera into the windows of the scope they share."""

    def __init__(self, cameras: Sequence[str] = ("cam",), zone: str = WHOLE) -> None:
        self.panes = {name: CameraPanes(POLICY.span, lambda _: ("bed",)) for name in cameras}
        self.windows = ScopeWindows(POLICY)
        self.zone = zone
        for name in cameras:
            self.windows.expect(name)

    def add(self, message: Message, offset: int) -> list[Told]:
        tick = self.panes[message.camera].add(message, offset)
        return [] if tick is None else self.take(message.camera, tick)

    def take(self, camera: str, tick: Tick) -> list[Told]:
        for pane in tick.panes:
            if self.zone in pane.tallies:
                self.windows.pane(camera, pane.start, pane.as_of, copy.deepcopy(pane.tallies[self.zone]))
        return self.windows.reached(camera, tick.reached, tick.gone)


def read(messages: Sequence[Message], zone: str = WHOLE) -> list[Told]:
    reader = Reader(sorted({message.camera for message in messages}), zone)
    return [told for offset, message in enumerate(messages) for told in reader.add(message, offset)]


def window(told: Sequence[Told], spec: Spec, seconds: float) -> list[Told]:
    return [each for each in told if each.spec == spec and each.start == at(seconds)]


def test_a_window_is_told_at_its_end_and_last_after_the_grace() -> None:
    log = [observed(seq, seq, [face("happy")]) for seq in range(60)]
    first, last = window(read(log), TUMBLING, 0)
    assert (first.revision, first.final, first.as_of) == (0, False, at(20))
    assert (last.revision, last.final, last.as_of) == (1, True, at(40))
    assert first.cameras == last.cameras
    tally = first.cameras["cam"]
    assert (tally.observed, tally.faces, tally.told, tally.tracks) == (20, 20, 20, {"t"})
    assert tally.labels[LABELS.index("happy")] == 20
    assert tally.scores[LABELS.index("happy")] == 20 * 7000


def test_late_frames_make_a_revision_and_say_so() -> None:
    log: list[Message] = [observed(seq, seq) for seq in range(25)]
    log += [observed(99, 5, session=2), *(observed(seq, seq) for seq in range(25, 60))]
    told = window(read(log), TUMBLING, 0)
    assert [(each.revision, each.final, each.cameras["cam"].observed, each.cameras["cam"].late) for each in told] == [
        (0, False, 20, 0),
        (1, False, 21, 1),
        (2, True, 21, 1),
    ]


def test_what_comes_after_the_last_revision_is_counted_and_changes_nothing() -> None:
    panes = CameraPanes(POLICY.span)
    for seq in range(60):
        panes.add(observed(seq, seq), seq)
    assert panes.too_late == 0
    panes.add(observed(99, 5, session=2), 60)
    assert panes.too_late == 1


def test_a_silent_camera_is_told_with_what_was_expected() -> None:
    log = [ledger(second, second + 1, 5, state=CameraState.DOWN) for second in range(50)]
    first = window(read(log), TUMBLING, 0)[0].cameras["cam"]
    assert (first.expected, first.observed) == (100 * FRAME, 0)


def test_a_ledger_record_is_spread_over_the_panes_that_it_covers() -> None:
    log = [ledger(5, 45, 40), ledger(45, 51, 6)]
    told = {
        each.start: each.cameras["cam"].expected for each in read(log) if each.spec == TUMBLING and not each.revision
    }
    assert told == {at(0): 15 * FRAME, at(20): 20 * FRAME}


def test_a_ledger_record_that_covers_another_again_counts_once() -> None:
    log = [ledger(0, 10, 10), ledger(0, 15, 15), ledger(0, 10, 10), ledger(15, 40, 25)]
    assert window(read(log), TUMBLING, 0)[0].cameras["cam"].expected == 20 * FRAME


def test_an_idle_camera_is_expected_to_go_on_as_it_promised() -> None:
    log: list[Message] = [ledger(0, 10, 50), idle(12, 50), idle(12, 50)]
    assert window(read(log), TUMBLING, 0)[0].cameras["cam"].expected == (50 + 8 * 5) * FRAME


def test_a_camera_that_came_to_its_end_is_expected_to_do_nothing_and_holds_nobody_up() -> None:
    end = ledger(0, 10, 50, final=True, state=CameraState.ENDED)
    other = [observed(seq, seq, camera="other") for seq in range(50)]
    told = read([other[0], end, *other[1:]])
    assert [each.as_of for each in window(told, TUMBLING, 0)] == [at(20), at(40)]
    told = read([end, idle(10, 60)])
    assert window(told, TUMBLING, 0)[0].cameras["cam"].expected == 50 * FRAME


def test_drops_and_stubs_are_told_and_a_frame_has_one_fate() -> None:
    drops = {"buffer_full": [SeqRange(first=1, last=4)]}
    log = [observed(0, 0), stub(1, 1), ledger(0, 5, 5, dropped=drops), ledger(5, 6, 1, dropped=drops), idle(6, 40)]
    tally = window(read(log), TUMBLING, 0)[0].cameras["cam"]
    assert (tally.observed, tally.dead_lettered, tally.dropped) == (1, 1, {"buffer_full": 3})


def test_a_zone_counts_its_own_faces_and_all_frames() -> None:
    faces = [face("sad", "a", ["bed"]), face("happy", "b"), face("sad", "c", ["bed", "door"])]
    log: list[Message] = [*(observed(seq, seq, faces if seq < 3 else []) for seq in range(21))]
    tally = window(read(log, "bed"), TUMBLING, 0)[0].cameras["cam"]
    assert (tally.observed, tally.faces, tally.tracks) == (20, 6, {"a", "c"})


def test_a_window_waits_for_every_camera_that_is_expected() -> None:
    reader = Reader(["a", "b"])
    assert not [told for seq in range(90) for told in reader.add(observed(seq, seq, camera="a"), seq)]
    told = [told for seq in range(45) for told in reader.add(observed(seq, seq, camera="b"), seq)]
    first = window(told, TUMBLING, 0)[0]
    assert {name: tally.observed for name, tally in first.cameras.items()} == {"a": 20, "b": 20}


# The oracle: nothing is kept from record to record, everything is counted anew from the log's beginning.

Log = Sequence[Message]


def times(message: Message) -> tuple[datetime, datetime]:
    match message:
        case Ledger():
            return message.covers_from, message.covers_to
        case Idle():
            return message.since, message.until
        case _:
            return message.captured_at, message.captured_at


def until(log: Log, moment: datetime) -> Log:
    """The records up to the one that takes the camera's time to the moment."""
    for index, message in enumerate(log):
        if times(message)[1] >= moment:
            return log[: index + 1]
    return log


def brute(log: Log, start: datetime, end: datetime) -> tuple[int, int, int, int, frozenset[str]] | None:
    """Frames and faces of this time: observed, dead, dropped, faces, tracks; None where nothing tells of it."""
    fates: dict[tuple[int, int], str] = {}
    seen: list[Observation] = []
    dead = dropped = 0
    touched = False
    covered = START - timedelta(days=1)
    for message in log:
        since, last = times(message)
        if isinstance(message, Ledger):
            inside = start <= max(since, last - timedelta(microseconds=1)) < end
            touched |= max(since, covered, start) < min(last, end)
            covered = max(covered, last)
            for reason, ranges in message.dropped.items():
                for seqs in ranges:
                    for seq in range(seqs.first, seqs.last + 1):
                        if fates.setdefault((message.session, seq), reason) is reason and inside:
                            dropped += 1
                            touched = True
                            fates[message.session, seq] = reason + " "
            continue
        if isinstance(message, Idle) or (message.session, message.seq) in fates:
            continue
        fates[message.session, message.seq] = "read"
        if start <= since < end:
            touched = True
            if isinstance(message, Stub):
                dead += 1
            else:
                seen.append(message)
    if not touched:
        return None
    tracks = frozenset(face.track_id or "" for message in seen for face in message.faces)
    return len(seen), dead, dropped, sum(len(message.faces) for message in seen), tracks


Value = dict[str, tuple[int, int, int, int, frozenset[str]]]


def oracle(logs: dict[str, Log]) -> list[tuple[Spec, datetime, int, bool, Value]]:
    """By definition: as of each moment, where it differs from the last one told."""
    ends = [max(times(message)[1] for message in log) for log in logs.values()]
    reached = min(ends)
    found = []
    for spec in POLICY.specs:
        start = at(0) - spec.length
        while start <= reached:
            revision, before = -1, None
            for moment in POLICY.moments(start + spec.length):
                final = moment == start + spec.length + POLICY.grace
                value = {
                    name: counted
                    for name, log in logs.items()
                    if (counted := brute(until(log, moment), start, start + spec.length)) is not None
                }
                if moment <= reached and value and (final or value != before):
                    revision, before = revision + 1, value
                    found.append((spec, start, revision, final, value))
            start += spec.every
    return sorted(found, key=repr)


def plain(told: Sequence[Told]) -> list[tuple[Spec, datetime, int, bool, Value]]:
    def value(tally: Tally) -> tuple[int, int, int, int, frozenset[str]]:
        return tally.observed, tally.dead_lettered, sum(tally.dropped.values()), tally.faces, frozenset(tally.tracks)

    return sorted(
        (
            (each.spec, each.start, each.revision, each.final, {name: value(t) for name, t in each.cameras.items()})
            for each in told
        ),
        key=repr,
    )


def camera_log(camera: str, seed: int) -> list[Message]:
    """A log that mostly goes forward: jumps, late frames, duplicates, drops, stubs."""
    rng = random.Random(f"{camera} {seed}")
    log: list[Message] = []
    now, seq = rng.uniform(0, 15), 0
    for _ in range(rng.randrange(1, 40)):
        now += rng.choice([0.3, 1, 1, 4, rng.uniform(0, 35)])
        kind = rng.random()
        if kind < 0.55:
            faces = [face(rng.choice(LABELS), rng.choice("xyz")) for _ in range(rng.randrange(3))]
            log.append(observed(seq, max(0.0, now - rng.choice([0, 0, 0, 5, 25, 60])), faces, camera=camera))
            seq += 1
        elif kind < 0.65:
            log.append(stub(seq, now, camera))
            seq += 1
        elif kind < 0.85:
            drops = {"full": [SeqRange(first=seq, last=seq + 1)]} if rng.random() < 0.5 else {}
            seq += 2 * bool(drops)
            log.append(ledger(max(0.0, now - rng.choice([1, 14])), now, 0, camera, dropped=drops))
        elif log:
            log.append(rng.choice(log))
    return log or [observed(0, 0, camera=camera)]


SEEDS = st.integers(0, 2**32)


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_windows_are_what_brute_force_counts(seed: int) -> None:
    a, b = camera_log("a", seed), camera_log("b", seed)
    told: list[Told] = []
    reader = Reader(["a", "b"])
    for offset, message in interleaved(a, b, random.Random(seed)):
        told += reader.add(message, offset)
    assert plain(told) == oracle({"a": a, "b": b})


def interleaved(a: Log, b: Log, rng: random.Random) -> Iterator[tuple[int, Message]]:
    rest = [list(enumerate(a)), list(enumerate(b))]
    while any(rest):
        one = rng.choice([log for log in rest if log])
        yield one.pop(0)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_a_reader_that_was_killed_tells_the_same(seed: int) -> None:
    """Killed at any moment, also between two of the records that hold its state; it reads on from its last tick."""
    log = camera_log("cam", seed)
    rng = random.Random(seed)
    ticks: dict[int, list[Pane]] = {}
    undisturbed = CameraPanes(POLICY.span)
    for offset, message in enumerate(log):
        tick = undisturbed.add(message, offset)
        if tick is not None:
            ticks[offset] = copy.deepcopy(tick.panes)

    stored: dict[datetime, Pane] = {}
    state, resume = None, 0
    seen: dict[int, list[Pane]] = {}
    for _ in range(3):
        panes = CameraPanes(POLICY.span)
        if state is not None:
            panes.restore(copy.deepcopy(state), copy.deepcopy(list(stored.values())))
        killed = rng.randrange(resume, len(log) + 1)
        for offset in range(resume, killed):
            tick = panes.add(log[offset], offset)
            if tick is None:
                continue
            seen.setdefault(offset, copy.deepcopy(tick.panes))
            assert tick.panes == seen[offset] == ticks[offset]
            written = rng.randrange(len(tick.panes) + 1) if rng.random() < 0.3 else None
            for pane in tick.panes[:written]:
                stored[pane.start] = copy.deepcopy(pane)
            if written is not None:
                break
            state, resume = copy.deepcopy(panes.state), tick.offset


@pytest.mark.parametrize("zone", [WHOLE, "bed"])
def test_expected_frames_are_never_lost_between_panes(zone: str) -> None:
    rng = random.Random(3)
    moments = sorted(rng.uniform(0, 100) for _ in range(40))
    panes = CameraPanes(timedelta(hours=1), lambda _: ("bed",))
    total, latest = 0, {}
    for offset, (since, to) in enumerate(itertools.pairwise(moments)):
        expected = round(rng.uniform(0, 30), 3)
        total += round(expected * FRAME)
        tick = panes.add(ledger(since, to, expected), offset)
        latest |= {pane.start: pane.tallies[zone].expected for pane in tick.panes} if tick else {}
    tick = panes.add(idle(moments[-1], moments[-1] + PANE.total_seconds()), 99)
    assert tick is not None
    latest |= {pane.start: pane.tallies[zone].expected for pane in tick.panes}
    promised = panes.state.rate * PANE.total_seconds() if panes.state else 0
    assert sum(latest.values()) == pytest.approx(total + promised * FRAME, abs=40)
