"""The equation, computed from the log: captured = observed + dead-lettered + dropped + in flight. Pure.

A frame is (site, camera, session, seq). Its fate is the first of observed, dead-lettered, dropped that the log
tells of it; records that tell the same again change nothing. Within a session frames are numbered from 0 without
a gap, so the highest number that any record speaks of says how many were captured.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from pipeline.aggregate.seqset import SeqSet
from pipeline.messages import DROPPED_UNREAD, FrameId, Idle, Ledger, Message, Observation, Stub


@dataclass(frozen=True, slots=True)
class Frames:
    """How many frames ended how. `missing` is what the log cannot explain: zero when the equation holds."""

    captured: int = 0
    published: int = 0
    observed: int = 0
    dead_lettered: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    in_flight: int = 0
    missing: int = 0

    @property
    def balanced(self) -> bool:
        return self.missing == 0

    def __add__(self, other: Frames) -> Frames:
        reasons = sorted({*self.dropped, *other.dropped})
        return Frames(
            self.captured + other.captured,
            self.published + other.published,
            self.observed + other.observed,
            self.dead_lettered + other.dead_lettered,
            {reason: self.dropped.get(reason, 0) + other.dropped.get(reason, 0) for reason in reasons},
            self.in_flight + other.in_flight,
            self.missing + other.missing,
        )


class Session:
    """What the log says of one session of one camera."""

    def __init__(self) -> None:
        self.captured = 0  # frames 0 .. captured-1 exist
        self.observed = SeqSet()
        self.dead = SeqSet()
        self.dropped: dict[str, SeqSet] = defaultdict(SeqSet)
        self.unread = SeqSet()  # on `frames`, not yet read by analyze
        self.final = False

    def frames(self) -> Frames:
        fated = _copy(self.observed)
        observed = len(fated)
        dead = _merge(fated, self.dead)
        dropped = {reason: _merge(fated, self.dropped[reason]) for reason in sorted(self.dropped)}
        in_flight = _merge(fated, self.unread)
        return Frames(
            captured=self.captured,
            published=observed + dead + sum(dropped.get(reason, 0) for reason in DROPPED_UNREAD) + in_flight,
            observed=observed,
            dead_lettered=dead,
            dropped={reason: count for reason, count in dropped.items() if count},
            in_flight=in_flight,
            missing=self.captured - len(fated),
        )


class Account:
    """The fates of all frames. Feed it the records of `emotion-events`, then what is unread on `frames`."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str, int], Session] = defaultdict(Session)
        self.duplicates = 0  # records that told of a frame what was known already

    def observed(self, frame: FrameId) -> bool:
        """False when this frame was observed before."""
        return self._fate(frame, self._session(frame).observed)

    def dead(self, frame: FrameId) -> bool:
        return self._fate(frame, self._session(frame).dead)

    def unread(self, frame: FrameId) -> None:
        """The frame stands on `frames` behind what analyze has committed."""
        session = self._session(frame)
        session.captured = max(session.captured, frame.seq + 1)
        session.unread.add(frame.seq)

    def ledger(self, ledger: Ledger) -> None:
        session = self._sessions[ledger.site, ledger.camera, ledger.session]
        session.captured = max(session.captured, ledger.next_seq)
        session.final |= ledger.final
        for reason, ranges in ledger.dropped.items():
            for seqs in ranges:
                if seqs.first <= seqs.last:
                    session.captured = max(session.captured, seqs.last + 1)
                    session.dropped[reason].add(seqs.first, seqs.last)

    def add(self, message: Message) -> bool:
        """Book a record of `emotion-events`. False when it is a duplicate."""
        match message:
            case Observation():
                return self.observed(message.frame_id)
            case Stub():
                return self.dead(message.frame_id)
            case Ledger():
                self.ledger(message)
                return True
            case Idle():  # tells of time, not of frames
                return True

    def cameras(self) -> dict[str, Frames]:
        """Frames by `site/camera`, all of its sessions together."""
        totals: dict[str, Frames] = {}
        for (site, camera, _), session in sorted(self._sessions.items()):
            key = f"{site}/{camera}"
            totals[key] = totals.get(key, Frames()) + session.frames()
        return totals

    def total(self) -> Frames:
        return sum(self.cameras().values(), Frames())

    def _session(self, frame: FrameId) -> Session:
        return self._sessions[frame.site, frame.camera, frame.session]

    def _fate(self, frame: FrameId, fate: SeqSet) -> bool:
        session = self._session(frame)
        session.captured = max(session.captured, frame.seq + 1)
        new = fate.add(frame.seq) == 1
        self.duplicates += not new
        return new


def _copy(seqs: SeqSet) -> SeqSet:
    copy = SeqSet()
    _merge(copy, seqs)
    return copy


def _merge(into: SeqSet, seqs: SeqSet) -> int:
    return sum(into.add(first, last) for first, last in seqs.ranges())
