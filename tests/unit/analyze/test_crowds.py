"""Sums of faces leave the analyzer, ids do not; windows of sums say what windows of faces would."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.aggregate.panes import WHOLE, CameraPanes, Pane, Tick
from pipeline.aggregate.state import PanesRecord
from pipeline.analyze.crowds import Crowds
from pipeline.errors import BadRecord
from pipeline.kafka.believable import check
from pipeline.messages import LABELS, Crowd, CrowdRecord, Face, Message, Scope
from tests.records import START, at, face, ledger, observed

GRACE = timedelta(seconds=20)
faces = st.builds(
    lambda label, track, zones, sure: face(label, track, sorted(zones)).model_copy(
        update={} if sure else {"abstained": True, "reason": "uncertain"}
    ),
    st.sampled_from(LABELS), st.sampled_from("abcd"), st.sets(st.sampled_from(["bed", "door"])), st.booleans(),
)  # fmt: skip
frames = st.lists(st.tuples(st.floats(0, 6), st.lists(faces, max_size=3)), max_size=15)


def summed(seen: Sequence[tuple[float, Sequence[Face]]]) -> list[Message | CrowdRecord]:
    """What an analyzer writes of these frames, each so many seconds after the one before."""
    crowds, log, now = Crowds("site/cam"), [], 0.0
    for seq, (after, there) in enumerate(seen):
        now += after
        log += crowds.until(at(now))
        crowds.see(there, at(now), seq)
        log.append(observed(seq, now).model_copy(update={"withheld": True}))
    return [*log, *crowds.close(), ledger(now, now + 60, 0)]


def panes(log: Sequence[Message | CrowdRecord], crowds: bool) -> dict[str, Pane]:
    camera = CameraPanes(GRACE, lambda _: ("bed", "door"), crowds=crowds)
    ticks: list[Tick] = [tick for offset, each in enumerate(log) if (tick := camera.add(each, offset))]
    return {str(start): pane for tick in ticks for start, pane in tick.panes.items()}


@given(frames)
def test_panes_of_sums_are_panes_of_faces(seen: list[tuple[float, list[Face]]]) -> None:
    now, plain = 0.0, []
    for seq, (after, there) in enumerate(seen):
        now += after
        plain.append(observed(seq, now, there))
    expected, found = panes([*plain, ledger(now, now + 60, 0)], False), panes(summed(seen), True)
    assert found.keys() == expected.keys()
    for start, pane in expected.items():
        for zone, tally in pane.items():
            again = found[start][zone]
            for field in ("observed", "faces", "told", "abstained", "labels", "scores"):
                assert getattr(again, field) == getattr(tally, field), (start, zone, field)
            told = {f.track_id for _, there in seen for f in there if not f.abstained}
            assert again.least.tracks <= len(tally.tracks & told)
            assert not again.tracks
        assert found[start][WHOLE].least.tracks == len(
            {f.track_id for t, there in _of(seen, start) for f in there if not f.abstained}
        )


def _of(seen: list[tuple[float, list[Face]]], start: str) -> list[tuple[float, list[Face]]]:
    now, found = 0.0, []
    for after, there in seen:
        now += after
        if str(at(now - now % 10)) == start:
            found.append((now, there))
    return found


def test_no_id_and_no_face_is_in_what_leaves() -> None:
    secret = "4f5e6d7c8b9a0011-7"
    (record,) = [each for each in summed([(0, [face("sad", secret)])]) if isinstance(each, CrowdRecord)]
    assert secret.encode() not in record.encode()
    assert record.parts == [
        Crowd(
            zones=[], faces=1, labels={"sad": 1}, scores={label: 0.7 if label == "sad" else 0.05 for label in LABELS},
            tracks=1, new=0,
        )
    ]  # fmt: skip


def test_tracks_are_new_once_and_never_when_nobody_can_know() -> None:
    log = summed([(0, [face("sad", "a")]), (10, [face("sad", "a"), face("sad", "b")]), (10, [face("sad", "b")])])
    told = [(each.tracks, each.new) for each in log if isinstance(each, CrowdRecord)]
    assert told == [(1, 0), (2, 1), (1, 0)]


def test_who_comes_back_under_another_id_is_not_counted_twice() -> None:
    """After a gap all tracks have new ids, and a new epoch says so."""
    again = [face("sad", id_).model_copy(update={"track_epoch": 1}) for id_ in "cd"]
    log = summed([(0, [face("sad", "a"), face("sad", "b")]), (5, again), (5, again)])
    told = [(each.tracks, each.new) for each in log if isinstance(each, CrowdRecord)]
    assert told == [(2, 0), (2, 0)]


def test_frames_of_a_time_that_was_told_are_left_out() -> None:
    crowds = Crowds("site/cam")
    crowds.until(at(12))
    crowds.see([face("sad")], at(12), 5)
    assert crowds.until(at(9)) == []
    crowds.see([face("sad")], at(9), 6)
    assert crowds.since == 5
    (record,) = crowds.until(at(20))
    assert (record.start, record.parts[0].faces, crowds.since) == (at(10), 1, None)


def test_a_pane_is_told_of_once_and_only_where_faces_come_in_crowds() -> None:
    record = CrowdRecord(
        site="site", camera="cam", start=START, tracks=1, new=0, parts=[Crowd(faces=1, tracks=1, new=0)]
    )
    log = [observed(0, 0, [face("sad")]), record, record, observed(1, 11)]
    assert panes(log, True)[str(START)][WHOLE].faces == 1
    assert panes(log, False)[str(START)][WHOLE].faces == 1
    assert panes([observed(0, 0), record, observed(1, 11)], False)[str(START)][WHOLE].faces == 0
    odd = record.model_copy(update={"start": at(3)})
    assert panes([observed(0, 0), odd, observed(1, 11)], True)[str(START)][WHOLE].faces == 0


@pytest.mark.parametrize(
    "part",
    [
        Crowd(zones=["a|b"], faces=1, tracks=0, new=0),
        Crowd(faces=1, labels={"cross": 1}, tracks=0, new=0),
        Crowd(faces=1, labels={"sad": -1}, tracks=0, new=0),
        Crowd(faces=1, labels={"sad": 1}, scores={"sad": 5.0}, tracks=0, new=0),
        Crowd(faces=1, labels={"sad": 1}, scores={"sad": float("nan")}, tracks=0, new=0),
    ],
)
def test_sums_that_nobody_can_count_are_refused(part: Crowd) -> None:
    record = CrowdRecord(site="site", camera="cam", start=START, tracks=1, new=0, parts=[part])
    with pytest.raises(BadRecord):
        check(record, at(0))


def test_state_of_a_release_that_knew_no_crowds_is_read() -> None:
    old = PanesRecord(
        scope=Scope.SITE, site="s", id="s", camera="c", as_of=START, reached=START, gone=False, over=False, panes={}
    )
    text = old.encode().replace(b',"zones":{}', b"")
    assert PanesRecord.decode(text) == old
