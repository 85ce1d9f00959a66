"""Windows against a brute force that counts the log again for every moment, under any interleaving and any kills."""

from __future__ import annotations

import copy
import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aggregate.aggregator import EventsPartition, StatePartition
from pipeline.aggregate.panes import EPOCH, PANE, WHOLE, CameraPanes, Tick, pane_of
from pipeline.aggregate.state import CameraRecord, PanesRecord
from pipeline.aggregate.summary import summary
from pipeline.aggregate.tally import FRAME, Tally
from pipeline.aggregate.windows import VALUE, Policy, ScopeWindows, Spec, Told
from pipeline.messages import LABELS, CameraState, Idle, Ledger, Message, Observation, Scope, SeqRange, Stub, Window
from pipeline.zones import Zones
from tests.records import START, at, camera_log, face, idle, ledger, observed, stub

TUMBLING = Spec(timedelta(seconds=20), timedelta(seconds=20))
SLIDING = Spec(timedelta(seconds=30), timedelta(seconds=10))
POLICY = Policy((TUMBLING, SLIDING), timedelta(seconds=10), timedelta(seconds=20))


class Reader:
    """What the consumer does: panes of every camera into the windows of the scope they share."""

    def __init__(
        self, cameras: Sequence[str] = ("cam",), zone: str = WHOLE, windows: ScopeWindows | None = None
    ) -> None:
        self.panes = {name: CameraPanes(POLICY.grace, lambda _: ("bed",)) for name in cameras}
        self.windows = windows or ScopeWindows(POLICY)
        self.zone = zone
        for name in cameras:
            self.windows.expect(name)

    def add(self, message: Message, offset: int) -> list[Told]:
        tick = self.panes[message.camera].add(message, offset)
        return [] if tick is None else self.take(message.camera, tick)

    def take(self, camera: str, tick: Tick) -> list[Told]:
        for start, pane in tick.panes.items():
            if self.zone in pane:
                self.windows.pane(camera, start, tick.as_of, copy.deepcopy(pane[self.zone]))
        return self.windows.reached(camera, tick.reached, tick.gone, tick.over)


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
    panes = CameraPanes(POLICY.grace)
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
    told = read([ledger(0, 10, 50, final=True, state=CameraState.STOPPED), idle(10, 60)])
    assert window(told, TUMBLING, 0)[0].cameras["cam"].expected == 50 * FRAME


def test_when_all_files_came_to_their_end_everything_is_told() -> None:
    log: list[Message] = [observed(0, 25), ledger(20, 26, 1, final=True, state=CameraState.ENDED)]
    told = window(read(log), TUMBLING, 20)
    assert [(each.revision, each.final, each.cameras["cam"].observed) for each in told] == [(0, False, 1), (1, True, 1)]
    told = window(read([*log, *(observed(seq, 27 + seq, session=2) for seq in range(40))]), TUMBLING, 20)
    assert [(each.revision, each.final, each.cameras["cam"].observed) for each in told][2:] == [
        (2, False, 14),
        (3, True, 14),
    ]


def test_what_was_told_to_the_last_when_all_was_over_is_not_told_again_by_the_next_reader() -> None:
    log: list[Message] = [observed(0, 25), ledger(20, 26, 1, final=True, state=CameraState.ENDED)]
    first = Reader()
    assert [told for offset, message in enumerate(log) for told in first.add(message, offset)]
    second = Reader(windows=ScopeWindows(POLICY, first.windows.told_to, first.windows.last))
    assert [told for offset, message in enumerate(log) for told in second.add(message, offset)] == []


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


def test_frames_of_a_camera_that_sees_nothing_are_observed_and_told() -> None:
    log: list[Message] = [observed(seq, seq, [face("sad")], blind="dark" if seq < 6 else "frozen") for seq in range(15)]
    log += [*(observed(seq, seq) for seq in range(15, 20)), ledger(0, 20, 40)]
    told = window(read(log), TUMBLING, 0)[0]
    tally = told.cameras["cam"]
    assert (tally.observed, tally.blind, tally.faces) == (20, {"dark": 6, "frozen": 9}, 15)
    said = summary(told, Scope.CAMERA, "site", "cam")
    assert said.frames.blind == {"dark": 6, "frozen": 9}
    assert (said.coverage, said.blind, said.blind_cameras) == (0.5, 0.375, {"cam": "frozen"})
    half = Tally(expected=20 * FRAME, observed=20, blind={"dark": 10})
    none = Tally(observed=5, blind={"dark": 5})
    said = summary(Told(TUMBLING, START, 0, False, START, {"a": half, "b": none}), Scope.SITE, "site", "site")
    assert (said.coverage, said.blind, said.blind_cameras) == (1.0, 0.5, {"b": "dark"})


def test_a_camera_that_gives_too_much_is_no_more_than_wholly_blind() -> None:
    log: list[Message] = [observed(n, n / 4, blind="moved" if n % 2 else "") for n in range(80)]
    log.append(ledger(0, 20, 20))
    said = summary(window(read(log), TUMBLING, 0)[0], Scope.CAMERA, "site", "cam")
    assert (said.coverage, said.blind, said.blind_cameras) == (1.0, 0.5, {})


def test_a_tally_of_a_release_that_knew_of_no_blindness_is_read() -> None:
    old = dict(VALUE.dump_python({"cam": Tally(observed=3)})["cam"])
    del old["blind"]
    assert VALUE.validate_python({"cam": old}) == {"cam": Tally(observed=3)}


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


Counts = tuple[int, int, int, int, frozenset[str], tuple[tuple[str, int], ...]]


def brute(log: Log, start: datetime, end: datetime) -> Counts | None:
    """Frames and faces of this time: observed, dead, dropped, faces, tracks, blind; None where nothing tells of it."""
    fates: dict[tuple[int, int], str] = {}
    seen: list[Observation] = []
    dead = dropped = 0
    touched = False
    covered = now = START - timedelta(days=1)
    for message in log:
        since, last = times(message)
        before, now = now, max(now, last)
        if isinstance(message, Ledger):
            end_of = max(since, last - timedelta(microseconds=1))
            inside = start <= end_of < end and not too_late(end_of, before)
            touched |= any(
                max(since, covered, pane) < min(last, pane + PANE) and not too_late(pane, before)
                for pane in panes_between(start, end)
            )
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
        if start <= since < end and not too_late(since, before):
            touched = True
            if isinstance(message, Stub):
                dead += 1
            else:
                seen.append(message)
    if not touched:
        return None
    tracks = frozenset(face.track_id or "" for message in seen for face in message.faces)
    blind = Counter(message.blind for message in seen if message.blind)
    faces = sum(len(message.faces) for message in seen)
    return len(seen), dead, dropped, faces, tracks, tuple(sorted(blind.items()))


def too_late(moment: datetime, now: datetime) -> bool:
    return pane_of(moment) + PANE + POLICY.grace <= now


def panes_between(start: datetime, end: datetime) -> list[datetime]:
    return [start + n * PANE for n in range((end - start) // PANE)]


Value = dict[str, Counts]


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
    def value(tally: Tally) -> Counts:
        tracks, blind = frozenset(tally.tracks), tuple(sorted(tally.blind.items()))
        return tally.observed, tally.dead_lettered, sum(tally.dropped.values()), tally.faces, tracks, blind

    return sorted(
        (
            (each.spec, each.start, each.revision, each.final, {name: value(t) for name, t in each.cameras.items()})
            for each in told
        ),
        key=repr,
    )


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
    """Killed at any moment, also before its state was stored; it reads on from there, or from earlier."""
    log = camera_log("cam", seed)
    rng = random.Random(seed)
    undisturbed = CameraPanes(POLICY.grace)
    ticks = [copy.deepcopy(undisturbed.add(message, offset)) for offset, message in enumerate(log)]
    state, resume = None, 0
    for _ in range(4):
        panes = CameraPanes(POLICY.grace, state=copy.deepcopy(state))
        for offset in range(rng.randrange(resume + 1), rng.randrange(resume, len(log) + 1)):
            tick = panes.add(log[offset], offset)
            if offset >= resume:
                assert tick == ticks[offset]
            if tick is not None and rng.random() < 0.8:  # else killed before it was stored
                state, resume = copy.deepcopy(panes.state), offset + 1


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
        latest |= {start: pane[zone].expected for start, pane in tick.panes.items()} if tick else {}
    tick = panes.add(idle(moments[-1], moments[-1] + PANE.total_seconds()), 99)
    assert tick is not None
    latest |= {start: pane[zone].expected for start, pane in tick.panes.items()}
    promised = panes.state.rate * PANE.total_seconds() if panes.state else 0
    assert sum(latest.values()) == pytest.approx(total + promised * FRAME, abs=40)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_windows_that_are_begun_anew_tell_the_same(seed: int) -> None:
    """What was told is known up to some moment before the kill; all panes are given again, from the first."""
    rng = random.Random(seed)
    reader = Reader(["a", "b"])
    ticks: list[tuple[str, Tick]] = []
    for offset, message in interleaved(camera_log("a", seed), camera_log("b", seed), rng):
        tick = reader.panes[message.camera].add(message, offset)
        if tick is not None:
            ticks.append((message.camera, copy.deepcopy(tick)))
    undisturbed = {
        (told.spec, told.start, told.revision): told for name, tick in ticks for told in reader.take(name, tick)
    }

    known, last = EPOCH, {}
    told_since: list[Told] = []
    for _ in range(3):
        anew = Reader(["a", "b"], windows=ScopeWindows(POLICY, known, last))
        for name, tick in ticks[: rng.randrange(len(ticks) + 1)]:
            told = anew.take(name, tick)
            assert all(each.as_of > known for each in told)
            told_since += told
            if rng.random() < 0.5 and anew.windows.told_to > known:
                known, last = anew.windows.told_to, dict(anew.windows.last)
    for name, tick in ticks:
        told_since += anew.take(name, tick)
    for told_again in told_since:
        assert told_again == undisturbed[told_again.spec, told_again.start, told_again.revision]


def test_equal_windows_are_equal_bytes_whatever_the_order() -> None:
    one, other = Tally(tracks={"a", "b"}), Tally(tracks={"b", "a"})
    for tally, reasons in ((one, ("x", "y")), (other, ("y", "x"))):
        for reason in reasons:
            tally.drop(reason, 1)
    assert VALUE.dump_json({"cam": one}) == VALUE.dump_json({"cam": other})


def test_the_state_of_a_camera_survives_the_wire() -> None:
    panes = CameraPanes(POLICY.grace, lambda _: ("bed",))
    for offset, message in enumerate(camera_log("cam", 5)):
        panes.add(message, offset)
    assert panes.state is not None
    record = CameraRecord(site="site", camera="cam", state=panes.state)
    again = CameraRecord.decode(record.encode())
    assert again.encode() == record.encode()
    assert again.state == panes.state


def test_a_summary_is_in_fractions_and_counts() -> None:
    log: list[Message] = [ledger(0, 5, 30), *(observed(seq, seq, [face("sad")]) for seq in range(12))]
    log += [observed(20, 30), observed(21, 45)]
    window = summary(next(each for each in read(log) if each.spec == TUMBLING), Scope.CAMERA, "site", "cam")
    assert window.key == "camera/site/cam/20s/2026-01-01T00:00:00.000000+00:00"
    assert (window.frames.expected, window.frames.observed, window.coverage) == (30, 12, 0.4)
    assert window.label_share is not None
    assert window.label_share["sad"] == 1
    assert window.scores_mean == {label: 0.7 if label == "sad" else 0.05 for label in LABELS}
    assert (window.n_face_frames, window.n_tracks, window.n_abstained) == (12, 1, 0)
    assert Window.decode(window.encode()) == window


def test_a_camera_that_gives_too_much_covers_for_no_other() -> None:
    told = Told(
        TUMBLING, START, 0, False, START, {"a": Tally(expected=10_000, observed=20), "b": Tally(expected=10_000)}
    )
    window = summary(told, Scope.SITE, "site", "site")
    assert (window.coverage, window.cameras) == (0.5, {"a": 1.0, "b": 0.0})


def test_a_record_that_is_read_again_undoes_nothing() -> None:
    """A camera that was gone and is back is waited for, also when its earlier records are read once more."""
    windows = ScopeWindows(POLICY)
    windows.reached("other", at(20))
    windows.reached("back", at(10), gone=True)
    windows.reached("back", at(20))
    windows.reached("other", at(90))
    assert windows.told_to == at(20)
    windows.reached("back", at(10), gone=True)
    assert windows.told_to == at(20)


def test_a_long_outage_is_told_in_records_of_bounded_size() -> None:
    """One ledger record covers it; so many panes would be more than Kafka takes in one."""
    end = 6 * 3600
    events = EventsPartition(POLICY, Zones([]))
    made = [
        record
        for offset, message in enumerate([ledger(0, 5, 5), ledger(5, end, end - 5), ledger(end, end + 30, 30)])
        for record in events.add(message, offset, START)
    ]
    panes = [each for each in made if isinstance(each, PanesRecord) and each.scope is Scope.CAMERA]
    assert len({each.key for each in panes}) == len(panes) > 3
    assert max(len(each.encode()) for each in panes) < 2**19
    scopes = StatePartition(POLICY)
    told = [window for each in panes for window in scopes.add(each) if isinstance(window, Window)]
    first = [window for window in told if window.spec == "20s" and not window.revision]
    assert [window.start for window in first] == [at(20 * n) for n in range(end // 20 + 1)]
    assert {(window.frames.expected, window.coverage) for window in first} == {(20, 0)}


def test_what_a_ledger_record_covers_too_late_costs_nothing() -> None:
    panes = CameraPanes(POLICY.grace)
    panes.add(observed(0, 0), 0)
    tick = panes.add(ledger(-3600 * 24 * 3650, 30, 3600 * 24 * 3650 + 30), 1)
    assert tick is not None
    assert {start: pane[WHOLE].expected for start, pane in tick.panes.items()} == {
        at(-20 + 10 * n): 10 * FRAME for n in range(5)
    }


@pytest.mark.parametrize(("blind", "told"), [("frozen", 0), ("moved", 12), ("", 12)])
def test_faces_of_a_frozen_picture_are_not_told(blind: str, told: int) -> None:
    log: list[Message] = [ledger(0, 5, 30)]
    log += [observed(seq, seq, [face("sad")], blind=blind) for seq in range(12)]
    log += [observed(20, 30), observed(21, 45)]
    window = summary(next(each for each in read(log) if each.spec == TUMBLING), Scope.CAMERA, "site", "cam")
    assert (window.n_face_frames, window.n_told) == (12, told)
    assert window.abstained == ({} if told else {"frozen": 12})
