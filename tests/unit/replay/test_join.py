"""Frames of two logs side by side, against a join that holds everything."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.messages import Ledger, Message, SeqRange
from pipeline.replay.join import Pair, Why, paired
from tests.records import idle, ledger, observed, stub

Frame = tuple[str, int, int]  # camera, session, number


def told(pairs: Sequence[Pair]) -> list[tuple[Frame, bool, bool, Why | None]]:
    """Every frame, whether each log tells of it, and why not."""
    rows = []
    for pair in pairs:
        fate = pair.first or pair.again
        assert fate is not None
        if pair.first and pair.again:
            assert pair.first.event_id == pair.again.event_id
        row = (fate.camera, fate.session, fate.seq), pair.first is not None, pair.again is not None, pair.why
        rows.append(row)
    return sorted(rows)


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Message], list[Message]]:
    """A partition's frames; each log leaves some out, tells some again, and the replay is of a stretch in the midst."""
    left: dict[str, list[Frame]] = {camera: [] for camera in "abc"}
    for camera, session in itertools.product("abc", (1, 2)):
        left[camera] += [(camera, session, n) for n in range(draw(st.integers(0, 6)))]
    frames: list[Frame] = []
    while any(left.values()):
        frames.append(left[draw(st.sampled_from([camera for camera in "abc" if left[camera]]))].pop(0))
    begin = draw(st.integers(0, len(frames)))
    end = draw(st.integers(begin, len(frames)))
    return draw(log_of(frames)), draw(log_of(frames[begin:end]))


@st.composite
def log_of(draw: st.DrawFn, frames: Sequence[Frame]) -> list[Message]:
    kept = [frame for frame in frames if draw(st.integers(0, 5))]
    messages: list[Message] = []
    for at, frame in enumerate(kept):
        messages.append(_message(frame, dead=draw(st.integers(0, 7)) == 0))
        if draw(st.integers(0, 9)) == 0:  # killed: what was not committed is written again
            messages += [_message(each) for each in kept[draw(st.integers(0, at)) : at + 1]]
        if draw(st.integers(0, 9)) == 0:
            messages.append(idle(0, 1))
    return messages


def _message(frame: Frame, dead: bool = False) -> Message:
    camera, session, seq = frame
    if dead:
        changes = {"session": session, "event_id": f"site/{camera}/{session}/{seq}"}
        return stub(seq, 0, camera).model_copy(update=changes)
    return observed(seq, 0, session=session, camera=camera)


def firsts(log: Sequence[Message]) -> dict[Frame, Message]:
    found: dict[Frame, Message] = {}
    for message in log:
        if hasattr(message, "seq"):
            found.setdefault((message.camera, message.session, message.seq), message)
    return found


@settings(deadline=None)
@given(logs())
def test_every_frame_is_told_once_with_both_its_fates(both: tuple[list[Message], list[Message]]) -> None:
    first, again = (firsts(log) for log in both)
    pairs = list(paired(*both))
    rows = told(pairs)
    assert [row[0] for row in rows] == sorted({frame for frame, _, _, _ in rows})  # none twice
    by_frame = {row[0]: row for row in rows}
    for frame in first.keys() & again.keys():
        assert by_frame[frame][1:] == (True, True, None)
    for frame in again.keys() - first.keys():
        later = [other for other in first if other[0] == frame[0] and other > frame]
        assert by_frame[frame][1:] == (False, True, Why.UNTOLD if later else Why.AFTER)
    for pair in pairs:
        if pair.first and pair.again:
            frame = pair.first.camera, pair.first.session, pair.first.seq
            assert (pair.first, pair.again) == (first[frame], again[frame])
    for frame in first.keys() - again.keys():
        mine = [other for other in again if other[0] == frame[0]]
        if frame in by_frame and mine:
            wanted = Why.BEFORE if frame < min(mine) else Why.AFTER if frame > max(mine) else Why.UNTOLD
            assert by_frame[frame][1:] == (True, False, wanted)
        else:  # the first log is read no farther than the replay goes
            assert not [other for other in mine if other > frame]


def test_little_is_held_at_a_time() -> None:
    """A day would not fit: the first log is read as far as the replay has come."""
    frames = [(camera, n) for n in range(1000) for camera in "ab"]
    read = 0

    def first() -> Iterator[Message]:
        nonlocal read
        for camera, n in frames:
            read += 1
            yield observed(n, 0, camera=camera)

    pairs = paired(first(), (observed(n, 0, camera=camera) for camera, n in frames))
    for at, _ in enumerate(pairs):
        assert read == at + 1


def expired(first: int, last: int) -> Ledger:
    return ledger(
        0, 0, 0, first_seq=last + 1, next_seq=last + 1, dropped={"expired": [SeqRange(first=first, last=last)]}
    )


@pytest.mark.parametrize("seen_before", [True, False])
def test_frames_that_expired_before_the_replay_came_to_them(seen_before: bool) -> None:
    first = [observed(n, 0) for n in range(10)]
    again: list[Message] = [observed(0, 0)] if seen_before else []
    again += [expired(1, 7), observed(8, 0), observed(9, 0)]
    why = {row[0][2]: row[3] for row in told(list(paired(first, again)))}
    assert why == {
        0: None if seen_before else Why.BEFORE, **dict.fromkeys(range(1, 8), Why.EXPIRED), 8: None, 9: None
    }  # fmt: skip


def test_the_end_of_both_is_told_by_the_ledger() -> None:
    """The replay does not tell of the last frames, though it has read the ledger record behind them."""
    first = [*(observed(n, n / 10) for n in range(5)), ledger(0, 1, 5, next_seq=5), observed(5, 1.1)]
    again = [observed(0, 0), ledger(0, 1, 5, next_seq=5)]
    why = {row[0][2]: row[3] for row in told(list(paired(first, again)))}
    assert why == {0: None, **dict.fromkeys(range(1, 5), Why.UNTOLD)}


def test_cameras_that_were_not_replayed_stood_before_or_behind() -> None:
    first = [observed(0, 0, camera="gone"), observed(0, 0), observed(0, 0, camera="new"), observed(1, 0)]
    why = {
        row[0][0]: row[3] for row in told(list(paired(first, [observed(0, 0), observed(1, 0)]))) if row[0][0] != "cam"
    }
    assert why == {"gone": Why.BEFORE, "new": Why.BEFORE}
    assert told(list(paired([*first, observed(0, 0, camera="late")], [observed(0, 0)]))) == [
        (("cam", 1, 0), True, True, None),
        (("gone", 1, 0), True, False, Why.BEFORE),
    ]
