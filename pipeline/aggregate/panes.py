"""One camera's panes: what its records add up to, in ten seconds of event time each. Pure.

Records are given in the order of the log. The camera's time is the latest that any of them tells of. Each time it
passes the end of a pane, a *tick*, everything that changed since the last tick is handed out, stamped with that tick:
`as_of` T holds the camera's records up to the one that took its time to T, whoever reads the log and however often:
with the state that it had at a tick, and given the records after it again, a camera goes on as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

from pipeline.aggregate.fates import Fates
from pipeline.aggregate.least import ALL, Least, beside
from pipeline.aggregate.seqset import SeqSet
from pipeline.aggregate.tally import FRAME, Tally
from pipeline.messages import GONE, CameraState, CrowdRecord, Face, Idle, Ledger, Message, Observation, Stub

PANE = timedelta(seconds=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
WHOLE = ""  # among a pane's tallies: the camera itself; the others are its zones'


def pane_of(at: datetime) -> datetime:
    """Start of the pane that holds this moment."""
    return at - (at - EPOCH) % PANE


def _ranges(seqs: SeqSet) -> list[tuple[int, int]]:
    return list(seqs.ranges())


def _seqset(ranges: Iterable[tuple[int, int]]) -> SeqSet:
    seqs = SeqSet()
    for first, last in ranges:
        seqs.add(first, last)
    return seqs


Pane = dict[str, Tally]  # of the camera itself (WHOLE), and of each of its zones


@dataclass(slots=True)
class Session:
    """What is counted already: frames by number, the ledger up to `ledger_to`. `touched`: the camera's time then.

    Frames `first` to `captured` - 1 were captured, by what was heard of the session.
    """

    told: Annotated[SeqSet, PlainValidator(_seqset), PlainSerializer(_ranges)] = field(default_factory=SeqSet)
    ledger_to: datetime = EPOCH
    touched: datetime = EPOCH
    first: int = 0
    captured: int = 0

    def heard_of(self, following: int) -> int:
        """Frames before this one were captured; how many of them are news."""
        news = max(0, following - self.captured)
        self.captured += news
        return news

    @property
    def open(self) -> int:
        """Frames that were captured, and of which nothing else is known."""
        told = (min(last + 1, self.captured) - max(first, self.first) for first, last in self.told.ranges())
        return self.captured - self.first - sum(each for each in told if each > 0)

    def close(self) -> int:
        """Nothing more is to come of it; the frames that were open are so no longer, and how many they were."""
        never_told, self.first = self.open, self.captured
        return never_told


@dataclass(slots=True)
class Camera:
    """All that is known of a camera. `time`: the latest that its records tell of; `offset`: of its next record.

    `heard_to`: the same without idle records, which only say that nothing was heard.
    `rate`: frames/s that its last ledger record promised. `gone_at`: when it came to an end; from then on it promises
    nothing. `over`: its end was that of a file, so that no more is to come.
    `panes`: by start, those that are open or that late frames may still change.
    """

    time: datetime
    heard_to: datetime = EPOCH
    offset: int = 0
    rate: float = 0.0
    gone_at: datetime | None = None
    over: bool = False
    sessions: dict[int, Session] = field(default_factory=dict)
    panes: dict[datetime, Pane] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tick:
    """What one record set free: the panes that changed, as of the first tick that it took the camera's time to.

    `reached`: the last such tick. `gone`: nobody needs to wait for this camera; `over`: nothing more will come of it.
    Take the panes before the next record.
    """

    as_of: datetime
    reached: datetime
    gone: bool
    over: bool
    panes: dict[datetime, Pane]


class CameraPanes:
    """`grace`: how long after its end a pane may change; frames that come later are only counted, in `too_late`.

    `zones`: the zones that the camera looks at, at a moment. `state`: as it was at a tick, or None at the beginning.
    `crowds`: faces are told by CrowdRecords alone; else by observations alone.
    """

    def __init__(
        self,
        grace: timedelta,
        zones: Callable[[datetime], Collection[str]] = lambda _: (),
        state: Camera | None = None,
        crowds: bool = False,
    ) -> None:
        self.state = state
        self.fates = Fates()
        self.too_late = 0
        self._grace = grace
        self._zones = zones
        self._crowds = crowds
        self._changed: set[datetime] = set()

    def add(self, message: Message | CrowdRecord, offset: int) -> Tick | None:
        """Count a record of `emotion-events`; a tick when it has taken the camera's time to the end of a pane."""
        since, until = _times(message)
        if self.state is not None and offset < self.state.offset:
            return None
        state = self.state = self.state or Camera(pane_of(since) - MICROSECOND)  # the first record is a tick
        match message:
            case Observation():
                if self._untold(state, message):
                    self.fates.observed += 1
                    faces = () if self._crowds else message.faces
                    for zone, tally in self._frames(state, until):
                        tally.see(faces if zone == WHOLE else _within(zone, faces), message.blind)
            case CrowdRecord():
                self._gather(state, message)
            case Stub():
                if self._untold(state, message):
                    self.fates.dead_lettered += 1
                    for _, tally in self._frames(state, until):
                        tally.dead_lettered += 1
            case Ledger():
                self._book(state, message)
            case Idle():
                since = max(since, state.time)
                rate = state.rate if state.gone_at is None else 0.0
                self._expect(state, rate * (until - since).total_seconds(), since, until)
        if isinstance(message, Ledger) and message.final and message.state in GONE:
            until = pane_of(max(until, state.time)) + PANE
            state.gone_at, state.over = until, message.state is CameraState.ENDED
        elif isinstance(message, Idle):
            state.gone_at = until if message.final else state.gone_at
        elif not isinstance(message, CrowdRecord):
            state.gone_at, state.over = None, False
        if not isinstance(message, Idle):
            state.heard_to = max(state.heard_to, until)
        state.offset = offset + 1
        return self._advance(state, until)

    def _gather(self, state: Camera, crowd: CrowdRecord) -> None:
        """Once for each pane: what tells of it again was read again, by somebody else."""
        if not self._crowds or pane_of(crowd.start) != crowd.start:
            return
        tallies = dict(self._tallies(state, crowd.start))
        if not tallies or tallies[WHOLE].parts:
            return
        pane, parts = state.panes[crowd.start], {}
        for part in crowd.parts:
            zones = sorted(set(part.zones))
            parts["|".join(zones)] = Least(part.tracks, part.new)
            for zone in (WHOLE, *zones):
                pane.setdefault(zone, Tally()).gather(part)
        for zone, tally in pane.items():
            tally.least = beside(least for part, least in parts.items() if zone in part.split("|"))
        pane[WHOLE].parts = parts
        pane[WHOLE].least = parts[ALL] = Least(crowd.tracks, crowd.new)

    def _session(self, state: Camera, number: int, seq: int) -> Session:
        """`seq`: the first frame that is spoken of. What came before, of a session that had begun unheard, is not ours
        to judge."""
        if number not in state.sessions:
            begins = bool(state.sessions) and number > max(state.sessions)
            first = 0 if begins else seq
            state.sessions[number] = Session(first=first, captured=first)
        session = state.sessions[number]
        session.touched = state.time
        return session

    def _untold(self, state: Camera, frame: Observation | Stub) -> bool:
        session = self._session(state, frame.session, frame.seq)
        self.fates.captured += session.heard_of(frame.seq + 1)
        return session.told.add(frame.seq) == 1

    def _book(self, state: Camera, ledger: Ledger) -> None:
        session = self._session(state, ledger.session, ledger.first_seq)
        dropped = (seqs.last + 1 for ranges in ledger.dropped.values() for seqs in ranges)
        self.fates.captured += session.heard_of(max(ledger.next_seq, *dropped, 0))
        last = max(ledger.covers_from, ledger.covers_to - MICROSECOND)
        for reason, ranges in sorted(ledger.dropped.items()):
            frames = sum(session.told.add(seqs.first, seqs.last) for seqs in ranges if seqs.first <= seqs.last)
            self.fates.drop(reason, frames)
            for _, tally in self._frames(state, last, frames):
                tally.drop(reason, frames)
        # A record may cover again what an earlier one covered that was thought lost.
        since = max(ledger.covers_from, session.ledger_to)
        seconds = (ledger.covers_to - ledger.covers_from).total_seconds()
        if seconds and since < ledger.covers_to:
            state.rate = ledger.expected / seconds
            self._expect(state, state.rate * (ledger.covers_to - since).total_seconds(), since, ledger.covers_to)
            session.ledger_to = ledger.covers_to
        if ledger.final:  # capture has waited for each frame's fate, and this stands behind all of them
            self.fates.unexplained += session.close()

    def _expect(self, state: Camera, frames: float, since: datetime, until: datetime) -> None:
        """Spread over the panes by time, in whole thousandths of a frame of which none is lost between two panes."""
        self.fates.expected += frames
        total, length = round(frames * FRAME), (until - since) // MICROSECOND
        at = min(max(since, self._open_from(state)), until)  # what is too late is passed over at once, however long
        counted = total * ((at - since) // MICROSECOND) // length if at > since else 0
        while at < until:
            end = min(until, pane_of(at) + PANE)
            upto = total * ((end - since) // MICROSECOND) // length
            for _, tally in self._tallies(state, at):
                tally.expected += upto - counted
            counted, at = upto, end

    def _frames(self, state: Camera, at: datetime, n: int = 1) -> Iterator[tuple[str, Tally]]:
        """Where `n` frames of this moment are counted; as late ones when their pane was closed before."""
        if not n:
            return
        if self._too_late(state, at):
            self.too_late += n
        late = n if pane_of(at) + PANE <= state.time else 0
        for zone, tally in self._tallies(state, at):
            tally.late += late
            yield zone, tally

    def _tallies(self, state: Camera, at: datetime) -> Iterator[tuple[str, Tally]]:
        """Where what happened at this moment is counted: nowhere when it is too late."""
        if self._too_late(state, at):
            return
        pane = state.panes.setdefault(pane_of(at), {})
        self._changed.add(pane_of(at))
        for zone in (WHOLE, *sorted(self._zones(at))):
            if zone not in pane:
                pane[zone] = Tally()
            yield zone, pane[zone]

    def _open_from(self, state: Camera) -> datetime:
        """Start of the first pane that is not too late."""
        return pane_of(state.time - self._grace)

    def _too_late(self, state: Camera, at: datetime) -> bool:
        return pane_of(at) + PANE + self._grace <= state.time

    def _advance(self, state: Camera, to: datetime) -> Tick | None:
        before, state.time = pane_of(state.time), max(state.time, to)
        reached = pane_of(state.time)
        if reached <= before:
            return None
        changed = {start: state.panes[start] for start in sorted(self._changed)}
        self._changed.clear()
        state.panes = {start: pane for start, pane in state.panes.items() if not self._too_late(state, start)}
        self._forget_sessions(state)
        return Tick(before + PANE, reached, state.gone_at is not None, state.over, changed)

    def _forget_sessions(self, state: Camera) -> None:
        newest = max(state.sessions, default=0)
        over = [
            number
            for number, session in state.sessions.items()
            if session.touched + PANE + self._grace <= state.time and number != newest
        ]
        for number in over:
            self.fates.unexplained += state.sessions.pop(number).close()


def _times(message: Message | CrowdRecord) -> tuple[datetime, datetime]:
    """From when to when it speaks of."""
    match message:
        case Ledger():
            return message.covers_from, message.covers_to
        case Idle():
            return message.since, message.until
        case CrowdRecord():
            return message.start, message.start
        case _:
            return message.captured_at, message.captured_at


def _within(zone: str, faces: Iterable[Face]) -> Iterator[Face]:
    return (face for face in faces if zone in face.zone_ids)
