"""The same frames in two logs, side by side: what was told of them the first time, and in the replay. Pure.

Both logs tell of a camera's frames in the order in which these stand on `frames`. Either may leave frames out, and tell
of some again. So the two are read in step, and little of them is held at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.aggregate.seqset import SeqSet
from pipeline.messages import Idle, Ledger, Message, Observation, Stub

Fate = Observation | Stub
Place = tuple[int, int]  # session and number of a camera's frame
Camera = tuple[str, str]
START: Place = (-1, 0)


class Why(StrEnum):
    """Why one log tells nothing of a frame.

    BEFORE, AFTER: the log begins behind it, or has not come to it. EXPIRED: Kafka no longer kept it when the replay
    came to it. UNTOLD: the log tells of the camera's frames before and behind it.
    """

    BEFORE = "before"
    AFTER = "after"
    EXPIRED = "expired"
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True)
class Pair:
    """A frame's fates; one of them is None for the reason `why`."""

    first: Fate | None
    again: Fate | None
    why: Why | None = None


@dataclass(slots=True)
class _Log:
    """What was read of one log. `reached`: of each camera, the place behind everything that was told of it."""

    reached: dict[Camera, Place] = field(default_factory=dict)
    expired: dict[tuple[Camera, int], SeqSet] = field(default_factory=lambda: defaultdict(SeqSet))
    _told: dict[tuple[Camera, int], SeqSet] = field(default_factory=lambda: defaultdict(SeqSet))

    def read(self, message: Message) -> Fate | None:
        """The message, if it is a frame's first fate."""
        camera = message.site, message.camera
        match message:
            case Observation() | Stub():
                self._reach(camera, (message.session, message.seq + 1))
                new = self._told[camera, message.session].add(message.seq) == 1
                return message if new else None
            case Ledger():
                self._reach(camera, (message.session, message.next_seq))
                for seqs in message.dropped.get("expired", ()):
                    if seqs.first <= seqs.last:
                        self.expired[camera, message.session].add(seqs.first, seqs.last)
            case Idle():
                pass
        return None

    def _reach(self, camera: Camera, place: Place) -> None:
        self.reached[camera] = max(place, self.reached.get(camera, START))


class _Waiting:
    """Fates of the first log that the replay has not come to."""

    def __init__(self, log: Iterable[Message]) -> None:
        self._messages = iter(log)
        self._log = _Log()
        self._fates: dict[Camera, dict[Place, tuple[int, Fate]]] = defaultdict(dict)
        self._read = 0  # so many
        self.matched = 0  # the number of the last one that was taken

    def reach(self, camera: Camera, place: Place) -> None:
        """Read until the log has told of everything of the camera before `place`, or ends."""
        while not self.has_reached(camera, place):
            message = next(self._messages, None)
            if message is None:
                return
            fate = self._log.read(message)
            if fate is not None:
                self._read += 1
                self._fates[fate.site, fate.camera][fate.session, fate.seq] = self._read, fate

    def has_reached(self, camera: Camera, place: Place) -> bool:
        return self._log.reached.get(camera, START) >= place

    def take(self, camera: Camera, place: Place) -> Fate | None:
        number, fate = self._fates[camera].pop(place, (0, None))
        self.matched = max(self.matched, number)
        return fate

    def before(self, camera: Camera, place: Place) -> Iterator[Fate]:
        """Takes those of the camera that are before `place`."""
        for at in [at for at in self._fates[camera] if at < place]:
            yield self._fates[camera].pop(at)[1]

    def left(self) -> Iterator[tuple[int, Fate]]:
        for fates in self._fates.values():
            yield from fates.values()


def paired(first: Iterable[Message], again: Iterable[Message]) -> Iterator[Pair]:
    """Every frame that either log tells of, once. Both logs: of one partition, in order; `again` is the replay's."""
    waiting, log = _Waiting(first), _Log()
    begun: set[Camera] = set()
    for message in again:
        fate = log.read(message)
        if fate is None:
            continue
        camera, at = _where(fate)
        behind = at[0], at[1] + 1
        waiting.reach(camera, behind)
        for passed in waiting.before(camera, at):
            yield Pair(passed, None, _why(passed, log, begun))
        begun.add(camera)
        known = waiting.take(camera, at)
        why = Why.UNTOLD if waiting.has_reached(camera, behind) else Why.AFTER
        yield Pair(known, fate, None if known else why)
    for camera, place in log.reached.items():
        waiting.reach(camera, place)
    for number, passed in waiting.left():
        camera, at = _where(passed)
        told = at < log.reached[camera] if camera in begun else number < waiting.matched
        yield Pair(passed, None, _why(passed, log, begun) if told else Why.AFTER)


def _where(fate: Fate) -> tuple[Camera, Place]:
    return (fate.site, fate.camera), (fate.session, fate.seq)


def _why(fate: Fate, replay: _Log, begun: set[Camera]) -> Why:
    """Of a frame that stood before one that the replay has come to."""
    camera, (session, seq) = _where(fate)
    expired = replay.expired.get((camera, session))
    if expired is not None and any(first <= seq <= last for first, last in expired.ranges()):
        return Why.EXPIRED
    return Why.UNTOLD if camera in begun else Why.BEFORE
