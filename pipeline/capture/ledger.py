"""The ledger of one session of a camera: every frame captured, in ranges; every drop, by reason. Pure.

`cut` takes what has gathered since the last cut into one record. Only one record is under way at a time: one that
does not reach the log is `taken_back` and the next covers its part too, so ranges never overlap and none is lost.
"""

from __future__ import annotations

from datetime import datetime

from pipeline.aggregate.seqset import SeqSet
from pipeline.messages import CameraState, Ledger, SeqRange


class SessionLedger:
    """Not thread-safe. Times are as in `captured_at`: by the session's clock for live cameras, media time else."""

    def __init__(self, site: str, camera: str, session: int, start: datetime) -> None:
        self.site, self.camera, self.session = site, camera, session
        self.next_seq = 0
        self._first_seq = 0  # of the next cut
        self._covers_from = start
        self._counted_to = start
        self._counted_seq = 0
        self._expected = 0.0
        self._dropped: dict[str, SeqSet] = {}
        self._under_way: Ledger | None = None

    @property
    def covers_from(self) -> datetime:
        """End of the last cut: no frame of a later range is older."""
        return self._covers_from

    @property
    def under_way(self) -> bool:
        return self._under_way is not None

    def captured(self) -> int:
        """-> the frame's seq."""
        seq = self.next_seq
        self.next_seq += 1
        return seq

    def dropped(self, seq: int, reason: str) -> None:
        """A captured frame that will not reach the log, named once."""
        if not 0 <= seq < self.next_seq:
            raise ValueError(f"frame {seq} was not captured: next is {self.next_seq}")
        self._dropped.setdefault(reason, SeqSet()).add(seq)

    def expect(self, now: datetime, fps: float | None) -> None:
        """Counts what the camera promised since the last call: `fps` frames/s, or as many as came when unknown.

        Call it whenever the rate or the state changes.
        """
        seconds = (now - self._counted_to).total_seconds()
        self._expected += (self.next_seq - self._counted_seq) if fps is None else fps * max(0.0, seconds)
        self._counted_seq = self.next_seq
        self._counted_to = now

    def expect_one(self) -> None:
        """A stream of n frames at fps lasts (n - 1) / fps: the first one is promised by the start itself."""
        self._expected += 1

    def cut(
        self, now: datetime, written_at: datetime, state: CameraState, reason: str = "", final: bool = False
    ) -> Ledger:
        """The record of everything since the last one. Settle it with `written` or `taken_back` before the next."""
        if self._under_way is not None:
            raise ValueError("a ledger record is still under way")
        covers_to = max(now, self._covers_from)
        ledger = Ledger(
            site=self.site,
            camera=self.camera,
            session=self.session,
            written_at=written_at,
            covers_from=self._covers_from,
            covers_to=covers_to,
            first_seq=self._first_seq,
            next_seq=self.next_seq,
            expected=round(self._expected, 3),
            dropped={name: _ranges(drops) for name, drops in sorted(self._dropped.items())},
            state=state,
            reason=reason,
            final=final,
        )
        self._covers_from = covers_to
        self._first_seq = self.next_seq
        self._expected = 0.0
        self._dropped = {}
        self._under_way = ledger
        return ledger

    def written(self) -> None:
        """The record under way is in the log."""
        self._under_way = None

    def taken_back(self) -> None:
        """The record under way did not reach the log."""
        lost, self._under_way = self._under_way, None
        if lost is None:
            return
        self._covers_from = lost.covers_from
        self._first_seq = lost.first_seq
        self._expected += lost.expected
        for reason, ranges in lost.dropped.items():
            drops = self._dropped.setdefault(reason, SeqSet())
            for each in ranges:
                drops.add(each.first, each.last)


def _ranges(drops: SeqSet) -> list[SeqRange]:
    return [SeqRange(first=first, last=last) for first, last in drops.ranges()]
