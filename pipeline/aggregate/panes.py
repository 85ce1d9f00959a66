"""One camera's panes: what its records add up to, in ten seconds of event time each. Pure.

Records are given in the order of the log. The camera's time is the latest that any of them tells of. Each time it
passes the end of a pane, a *tick*, everything that changed since the last tick is handed out, stamped with that tick:
`as_of` T holds the camera's records up to the one that took its time to T, whoever reads the log and however often.
What is handed out is the whole state, too: `restored` from it, and given the records from `Tick.offset` on again,
panes go on as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pipeline.aggregate.seqset import SeqSet
from pipeline.aggregate.tally import FRAME, Tally
from pipeline.messages import CameraState, Face, Idle, Ledger, Message, Observation, Stub

PANE = timedelta(seconds=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
GONE = frozenset({CameraState.ENDED, CameraState.FAILED, CameraState.STOPPED})


def pane_of(at: datetime) -> datetime:
    """Start of the pane that holds this moment."""
    return at - (at - EPOCH) % PANE


WHOLE = ""  # among a pane's tallies: the camera itself; the others are its zones'


@dataclass(slots=True)
class Pane:
    """`offset`: of the first record that is not counted yet. `tallies`: of the camera (WHOLE), and of each zone."""

    start: datetime
    as_of: datetime = EPOCH
    offset: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)


@dataclass(slots=True)
class Session:
    """What is counted already: frames by number, the ledger up to `ledger_to`. `touched`: the camera's time then."""

    told: SeqSet = field(default_factory=SeqSet)
    ledger_to: datetime = EPOCH
    touched: datetime = EPOCH


@dataclass(slots=True)
class CameraProgress:
    """Beside its panes, all that is known of a camera. `time`: the latest that its records tell of.

    `rate`: frames/s that its last ledger record promised. `gone`: it came to an end and promises nothing.
    """

    time: datetime
    rate: float = 0.0
    gone: bool = False
    sessions: dict[int, Session] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tick:
    """What one record set free: the panes that changed, as of the first tick that it took the camera's time to.

    `reached`: the last one. `offset`: of the next record. `gone`: nobody needs to wait for this camera.
    """

    as_of: datetime
    reached: datetime
    offset: int
    gone: bool
    panes: list[Pane]


class CameraPanes:
    """`span`: how long after its start a pane is of use; frames that come later are only counted, in `too_late`.

    `zones`: the zones that the camera looks at, at a moment.
    """

    def __init__(self, span: timedelta, zones: Callable[[datetime], Collection[str]] = lambda _: ()) -> None:
        self.state: CameraProgress | None = None
        self.too_late = 0
        self._span = span
        self._zones = zones
        self._panes: dict[datetime, Pane] = {}
        self._changed: set[datetime] = set()

    def restore(self, state: CameraProgress, panes: Iterable[Pane]) -> None:
        """As it was when these were handed out last."""
        self.state = state
        self._panes = {pane.start: pane for pane in panes}

    def add(self, message: Message, offset: int) -> Tick | None:
        """Count a record of `emotion-events`; a tick when it has taken the camera's time to the end of a pane."""
        since, until = _times(message)
        state = self.state = self.state or CameraProgress(pane_of(since) - MICROSECOND)  # the first record is a tick
        match message:
            case Observation():
                if self._untold(state, message):
                    for zone, tally in self._frames(until, offset):
                        tally.observed += 1
                        tally.see(message.faces if zone == WHOLE else _within(zone, message.faces))
            case Stub():
                if self._untold(state, message):
                    for _, tally in self._frames(until, offset):
                        tally.dead_lettered += 1
            case Ledger():
                self._book(state, message, offset)
            case Idle():
                since = max(since, state.time)
                rate = 0 if state.gone else state.rate
                self._expect(rate * (until - since).total_seconds(), since, until, offset)
        ended = isinstance(message, Ledger) and message.final and message.state in GONE
        if not isinstance(message, Idle):
            state.gone = ended
        return self._advance(state, pane_of(until) + PANE if ended else until, offset + 1)

    def _session(self, state: CameraProgress, number: int) -> Session:
        session = state.sessions.setdefault(number, Session())
        session.touched = state.time
        return session

    def _untold(self, state: CameraProgress, frame: Observation | Stub) -> bool:
        return self._session(state, frame.session).told.add(frame.seq) == 1

    def _book(self, state: CameraProgress, ledger: Ledger, offset: int) -> None:
        session = self._session(state, ledger.session)
        last = max(ledger.covers_from, ledger.covers_to - MICROSECOND)
        for reason, ranges in sorted(ledger.dropped.items()):
            frames = sum(session.told.add(seqs.first, seqs.last) for seqs in ranges if seqs.first <= seqs.last)
            for _, tally in self._frames(last, offset, frames):
                tally.drop(reason, frames)
        # A record may cover again what an earlier one covered that was thought lost.
        since = max(ledger.covers_from, session.ledger_to)
        seconds = (ledger.covers_to - ledger.covers_from).total_seconds()
        if seconds and since < ledger.covers_to:
            state.rate = ledger.expected / seconds
            self._expect(state.rate * (ledger.covers_to - since).total_seconds(), since, ledger.covers_to, offset)
            session.ledger_to = ledger.covers_to

    def _expect(self, frames: float, since: datetime, until: datetime, offset: int) -> None:
        """Spread over the panes by time, in whole thousandths of a frame of which none is lost between two panes."""
        total, length = round(frames * FRAME), (until - since) // MICROSECOND
        counted, at = 0, since
        while at < until:
            end = min(until, pane_of(at) + PANE)
            upto = total * ((end - since) // MICROSECOND) // length
            for _, tally in self._tallies(at, offset):
                tally.expected += upto - counted
            counted, at = upto, end

    def _frames(self, at: datetime, offset: int, n: int = 1) -> Iterator[tuple[str, Tally]]:
        """Where `n` frames of this moment are counted; as late ones when their pane was closed before."""
        if n and self._too_late(at):
            self.too_late += n
        if not n:
            return
        late = n if self.state is not None and pane_of(at) + PANE <= self.state.time else 0
        for zone, tally in self._tallies(at, offset):
            tally.late += late
            yield zone, tally

    def _tallies(self, at: datetime, offset: int) -> Iterator[tuple[str, Tally]]:
        """Where what happened at this moment is counted: nowhere when it is too late, or counted already."""
        if self._too_late(at):
            return
        pane = self._panes.setdefault(pane_of(at), Pane(pane_of(at)))
        self._changed.add(pane.start)
        if offset >= pane.offset:
            for zone in (WHOLE, *sorted(self._zones(at))):
                yield zone, pane.tallies.setdefault(zone, Tally())

    def _too_late(self, at: datetime) -> bool:
        return self.state is not None and pane_of(at) + self._span <= self.state.time

    def _advance(self, state: CameraProgress, to: datetime, offset: int) -> Tick | None:
        before, state.time = pane_of(state.time), max(state.time, to)
        reached = pane_of(state.time)
        if reached <= before:
            return None
        changed = [self._panes[start] for start in sorted(self._changed)]
        for pane in changed:
            pane.as_of, pane.offset = before + PANE, offset
        self._changed.clear()
        self._panes = {start: pane for start, pane in self._panes.items() if not self._too_late(start)}
        state.sessions = {
            number: session
            for number, session in state.sessions.items()
            if session.touched + self._span > state.time or number == max(state.sessions)
        }
        return Tick(before + PANE, reached, offset, state.gone, changed)


def _times(message: Message) -> tuple[datetime, datetime]:
    """From when to when it speaks of."""
    match message:
        case Ledger():
            return message.covers_from, message.covers_to
        case Idle():
            return message.since, message.until
        case _:
            return message.captured_at, message.captured_at


def _within(zone: str, faces: Iterable[Face]) -> Iterator[Face]:
    return (face for face in faces if zone in face.zone_ids)
