from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.capture.ledger import SessionLedger
from pipeline.messages import CameraState, Ledger, SeqRange

START = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def new() -> SessionLedger:
    return SessionLedger("site", "cam", 7, START)


def cut(ledger: SessionLedger, seconds: float, **more: object) -> Ledger:
    return ledger.cut(after(seconds), after(seconds), CameraState.UP, **more)


def test_a_cut_covers_what_came_since_the_last() -> None:
    ledger = new()
    for _ in range(10):
        ledger.captured()
    ledger.expect(after(1), 10.0)
    first = cut(ledger, 1)
    assert (first.first_seq, first.next_seq, first.expected) == (0, 10, 10.0)
    assert (first.covers_from, first.covers_to) == (START, after(1))
    ledger.written()
    second = cut(ledger, 2)
    assert (second.first_seq, second.next_seq, second.covers_from) == (10, 10, after(1))


def test_a_late_failure_stands_in_the_next_record() -> None:
    ledger = new()
    seqs = [ledger.captured() for _ in range(5)]
    cut(ledger, 1)
    ledger.written()
    for seq in (seqs[3], seqs[1], seqs[2]):
        ledger.dropped(seq, "publish_failed")
    assert cut(ledger, 2).dropped == {"publish_failed": [SeqRange(first=1, last=3)]}


def test_a_lost_record_is_part_of_the_next() -> None:
    ledger = new()
    ledger.dropped(ledger.captured(), "buffer_full")
    ledger.expect(after(1), 3.0)
    cut(ledger, 1)
    ledger.dropped(ledger.captured(), "buffer_full")
    ledger.expect(after(2), 3.0)
    ledger.taken_back()
    both = cut(ledger, 2)
    assert (both.first_seq, both.next_seq, both.expected, both.covers_from) == (0, 2, 6.0, START)
    assert both.dropped == {"buffer_full": [SeqRange(first=0, last=1)]}


def test_one_record_under_way_at_a_time() -> None:
    ledger = new()
    cut(ledger, 1)
    with pytest.raises(ValueError, match="under way"):
        cut(ledger, 2)


def test_only_captured_frames_can_be_dropped() -> None:
    with pytest.raises(ValueError, match="not captured"):
        new().dropped(0, "buffer_full")


def test_an_unknown_rate_expects_what_came() -> None:
    ledger = new()
    ledger.captured()
    ledger.expect(after(1), None)
    ledger.expect(after(2), 5.0)
    assert cut(ledger, 2).expected == 6.0


def test_a_clock_set_back_covers_nothing_twice() -> None:
    ledger = new()
    ledger.expect(after(10), 10.0)
    cut(ledger, 10)
    ledger.written()
    ledger.expect(after(4), 10.0)
    back = cut(ledger, 4)
    assert (back.covers_from, back.covers_to, back.expected) == (after(10), after(10), 0.0)


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("capture"), st.integers(1, 5)),
        st.tuples(st.just("drop"), st.integers(0, 10**6)),
        st.tuples(st.just("cut"), st.booleans()),
    ),
    max_size=60,
)


@given(EVENTS)
def test_every_frame_is_covered_once_and_every_drop_told_once(events: list[tuple[str, int]]) -> None:
    ledger, log, clock = new(), [], 0.0
    open_frames: list[int] = []
    dropped: set[int] = set()
    expected = 0.0
    for event, value in events:
        clock += 1
        if event == "capture":
            open_frames += [ledger.captured() for _ in range(value)]
        elif event == "drop" and open_frames:
            seq = open_frames.pop(value % len(open_frames))
            dropped.add(seq)
            ledger.dropped(seq, "even" if seq % 2 == 0 else "odd")
        elif event == "cut":
            ledger.expect(after(clock), 2.0)
            expected = 2.0 * clock
            record = cut(ledger, clock)
            if value:
                ledger.written()
                log.append(record)
            else:
                ledger.taken_back()
    ledger.expect(after(clock), 2.0)
    log.append(cut(ledger, clock, final=True))

    assert log[0].first_seq == 0
    assert log[-1].next_seq == ledger.next_seq
    assert all(a.next_seq == b.first_seq for a, b in pairwise(log))
    assert all(a.covers_to == b.covers_from for a, b in pairwise(log))
    told = [
        (reason, seq)
        for record in log
        for reason, ranges in record.dropped.items()
        for each in ranges
        for seq in range(each.first, each.last + 1)
    ]
    assert sorted(seq for _, seq in told) == sorted(dropped)
    assert all((reason == "even") == (seq % 2 == 0) for reason, seq in told)
    assert all(each.last < record.next_seq for record in log for ranges in record.dropped.values() for each in ranges)
    assert sum(record.expected for record in log) == pytest.approx(2.0 * clock)
    assert expected <= 2.0 * clock
