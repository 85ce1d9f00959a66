"""What may be committed, and which frames expired unread."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.kafka.gaps import GapFinder
from pipeline.kafka.offsets import PartitionLog
from pipeline.messages import FrameId, SeqRange


@given(st.permutations(range(12)), st.data())
def test_results_come_in_offset_order_and_the_position_never_passes_an_unfinished_record(
    order: list[int], data: st.DataObject
) -> None:
    log: PartitionLog[int] = PartitionLog()
    entries = {offset: log.read(offset) for offset in range(12)}
    written: list[int] = []
    finished: set[int] = set()
    for offset in order:
        entries[offset].finish(offset)
        finished.add(offset)
        if data.draw(st.booleans()):
            written += log.ready()
        assert log.position is None or set(range(log.position)) <= finished
    written += log.ready()
    assert written == list(range(12))
    assert log.position == 12
    assert len(log) == 0


def test_a_record_that_is_taken_half_way_is_not_behind_the_position() -> None:
    log: PartitionLog[str] = PartitionLog()
    for offset in (5, 6):
        log.read(offset).finish(f"result {offset}")
    ready = log.ready()
    assert next(ready) == "result 5"
    assert log.position == 6


def test_offsets_go_forward_and_finish_once() -> None:
    log: PartitionLog[str] = PartitionLog()
    entry = log.read(3)
    with pytest.raises(ValueError, match="offset 3 after 3"):
        log.read(3)
    entry.finish("a")
    with pytest.raises(ValueError, match="finished already"):
        entry.finish("b")


def frame(seq: int, session: int = 1, camera: str = "cam") -> FrameId:
    return FrameId("site", camera, session, seq)


def read(gaps: GapFinder, offset: int, *frame_of: int) -> SeqRange | None:
    gaps.read(offset)
    return gaps.frame(frame(*frame_of))


def test_nothing_expired_while_offsets_follow_each_other() -> None:
    gaps = GapFinder(start=None)
    assert read(gaps, 100, 40) is None  # a group that starts in the middle of a session lost nothing
    assert read(gaps, 101, 41) is None
    assert read(gaps, 102, 45) is None  # capture dropped 42..44, as its ledger says


def test_a_hole_in_the_offsets_tells_what_expired() -> None:
    gaps = GapFinder(start=None)
    read(gaps, 10, 0)
    assert read(gaps, 20, 9) == SeqRange(first=1, last=8)
    assert read(gaps, 21, 10) is None
    gaps.read(22)
    assert gaps.frame(frame(7, camera="other")) == SeqRange(first=0, last=6)
    assert read(gaps, 30, 12, 2) == SeqRange(first=0, last=11)  # a new session that began in the hole


def test_a_hole_behind_the_committed_offset_is_one() -> None:
    gaps = GapFinder(start=5)
    assert read(gaps, 9, 3) == SeqRange(first=0, last=2)
    assert GapFinder(start=5).frame(frame(3)) is None
