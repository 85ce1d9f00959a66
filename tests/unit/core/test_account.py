"""The equation, against a brute-force oracle: a set of frames and the first fate of each."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.aggregate.account import Account, Frames
from pipeline.aggregate.seqset import SeqSet
from pipeline.messages import CameraState, FrameId, Ledger, SeqRange

AT = datetime(2026, 1, 1, tzinfo=UTC)
spans = st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda span: (span[0], span[0] + span[1]))


def frame(seq: int, camera: str = "cam", session: int = 1) -> FrameId:
    return FrameId("site", camera, session, seq)


def ledger(first: int, following: int, dropped: dict[str, list[SeqRange]] | None = None, session: int = 1) -> Ledger:
    return Ledger(
        site="site", camera="cam", session=session, written_at=AT, covers_from=AT, covers_to=AT, first_seq=first,
        next_seq=following, expected=following - first, dropped=dropped or {}, state=CameraState.UP,
    )  # fmt: skip


@given(st.lists(spans))
def test_a_seqset_is_a_set(added: list[tuple[int, int]]) -> None:
    seqs, oracle = SeqSet(), set()
    for first, last in added:
        new = set(range(first, last + 1)) - oracle
        assert seqs.add(first, last) == len(new)
        oracle |= new
    ranges = list(seqs.ranges())
    assert {seq for first, last in ranges for seq in range(first, last + 1)} == oracle
    assert all(a_last + 1 < b_first for (_, a_last), (b_first, _) in itertools.pairwise(ranges))
    assert len(seqs) == len(oracle)
    assert {seq for seq in range(-1, 80) if seq in seqs} == oracle


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        SeqSet().add(5, 4)


@given(
    observed=st.lists(st.integers(0, 40)),
    dead=st.lists(st.integers(0, 40)),
    dropped=st.lists(spans),
    unread=st.lists(st.integers(0, 40)),
    captured=st.integers(0, 45),
)
def test_every_frame_has_the_first_of_its_fates(
    observed: list[int], dead: list[int], dropped: list[tuple[int, int]], unread: list[int], captured: int
) -> None:
    account = Account()
    for seq in observed:
        account.observed(frame(seq))
    for seq in dead:
        account.dead(frame(seq))
    account.ledger(ledger(0, captured, {"buffer_full": [SeqRange(first=a, last=b) for a, b in dropped]}))
    for seq in unread:
        account.unread(frame(seq))

    drops = {seq for a, b in dropped for seq in range(a, b + 1)}
    everything = max([captured, *(seq + 1 for seq in [*observed, *dead, *unread, *drops])])
    total = account.total()
    assert total.captured == everything
    assert total.observed == len(set(observed))
    assert total.dead_lettered == len(set(dead) - set(observed))
    assert total.dropped.get("buffer_full", 0) == len(drops - set(observed) - set(dead))
    assert total.in_flight == len(set(unread) - drops - set(observed) - set(dead))
    explained = total.observed + total.dead_lettered + sum(total.dropped.values()) + total.in_flight
    assert total.captured == explained + total.missing
    assert total.balanced == ({*observed, *dead, *unread, *drops} == set(range(everything)))
    assert account.duplicates == len(observed) - len(set(observed)) + len(dead) - len(set(dead))


def test_a_lost_frame_is_missing() -> None:
    account = Account()
    account.ledger(ledger(0, 3))
    account.observed(frame(0))
    account.observed(frame(2))
    assert account.total() == Frames(captured=3, published=2, observed=2, missing=1)
    assert not account.total().balanced


def test_sessions_and_cameras_add_up() -> None:
    account = Account()
    account.observed(frame(0, session=1))
    account.observed(frame(0, session=2))
    account.observed(frame(0, camera="other"))
    account.ledger(ledger(0, 2, {"buffer_full": [SeqRange(first=1, last=1)]}, session=2))
    cameras = account.cameras()
    assert cameras["site/cam"] == Frames(captured=3, published=2, observed=2, dropped={"buffer_full": 1})
    assert cameras["site/other"].observed == 1
    assert account.total().captured == 4
    assert account.total().balanced


def test_expired_frames_were_published() -> None:
    account = Account()
    account.ledger(ledger(3, 3, {"expired": [SeqRange(first=0, last=2)]}))
    assert account.total() == Frames(captured=3, published=3, dropped={"expired": 3})
