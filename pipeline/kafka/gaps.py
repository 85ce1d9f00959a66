"""Frames that expired in Kafka before they were read: told from offsets that are missing. Pure.

`frames` is neither compacted nor transactional, so its offsets have no holes: where one opens, retention has taken
records away. The camera's next record then shows which frames were among them.
"""

from __future__ import annotations

from pipeline.messages import FrameId, Ledger, SeqRange


class GapFinder:
    """Watches one partition. `start`: the committed offset, None for a group that never read it."""

    def __init__(self, start: int | None) -> None:
        self._next = start
        self._generation = 0  # gaps so far
        self._seen: dict[tuple[str, str], tuple[int, int, int]] = {}  # camera -> session, next seq, generation

    def read(self, offset: int) -> None:
        """A record was read at this offset, the first after the last one told."""
        if self._next is not None and offset > self._next:
            self._generation += 1
        self._next = offset + 1

    def frame(self, frame: FrameId) -> SeqRange | None:
        """Frames of this session that expired before `frame`; call it once for every frame, after `read`."""
        return self._reached(frame.site, frame.camera, frame.session, frame.seq, frame.seq + 1)

    def ledger(self, ledger: Ledger) -> SeqRange | None:
        """The same for a ledger record."""
        return self._reached(ledger.site, ledger.camera, ledger.session, ledger.next_seq, ledger.next_seq)

    def _reached(self, site: str, camera: str, session: int, seq: int, following: int) -> SeqRange | None:
        known, expected, generation = self._seen.get((site, camera), (session, 0, 0))
        if known != session:
            expected = 0
        self._seen[site, camera] = (session, max(expected, following), self._generation)
        if generation == self._generation or seq <= expected:
            return None
        return SeqRange(first=expected, last=seq - 1)
