"""What a worker holds of one partition of `frames`: the records on their way, and the cameras they are of."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pipeline.aggregate.seqset import SeqSet
from pipeline.analyze.crowds import Crowds
from pipeline.analyze.preview import Previews
from pipeline.analyze.sight.monitor import SightMonitor
from pipeline.analyze.spans import FrameSpans
from pipeline.analyze.tracking.faces import CameraFaces, Followed
from pipeline.analyze.vision import Looked
from pipeline.classify.classifier import Classifier
from pipeline.errors import BadRecord
from pipeline.kafka.gaps import GapFinder
from pipeline.kafka.offsets import Entry, PartitionLog
from pipeline.kafka.outbox import Out
from pipeline.kafka.reader import parse
from pipeline.messages import FrameHeader, FrameId, Kind, Observation, record_kind

SESSIONS = 4  # the latest of each camera, of which is known what was written

Outs = Callable[[], list[Out]]
"""What a record became, made when it is written out: in the order of the log."""


@dataclass(slots=True, eq=False)
class Job:
    """A frame between reading and writing out. `before`: what must be written ahead of it; `size`: bytes it holds.

    `again`: its observation is told already, only its faces are still to be counted. `preview`: whether one is made of
    it. `answer`: what was found in it; `followed`: its faces' tracks; `waiting`:
    faces whose scores are not there yet. `reader`: the model that reads its faces. `spans`: where its trace is kept.
    """

    held: Held
    entry: Entry[Outs]
    record: Any
    header: FrameHeader
    reader: Classifier
    before: list[Out] = field(default_factory=list)
    again: bool = False
    preview: bool = False
    size: int = 0
    answer: Looked | BadRecord | None = None
    followed: Followed | None = None
    waiting: int = 0
    spans: FrameSpans | None = None

    def finish(self, outs: Outs) -> None:
        """Its fate is known; it is held until that is written out."""
        self.entry.finish(partial(self.held.written_out, self, outs))


@dataclass(slots=True)
class CameraInView:
    """What is remembered of a camera from frame to frame."""

    faces: CameraFaces
    sight: SightMonitor
    previews: Previews | None = None
    crowds: Crowds | None = None


class Frames:
    """A set of them: those of each camera's latest sessions."""

    def __init__(self) -> None:
        self._of: dict[str, dict[int, SeqSet]] = defaultdict(dict)  # by camera and session

    def __contains__(self, frame: FrameId) -> bool:
        return frame.seq in self._of.get(frame.key, {}).get(frame.session, ())

    def add(self, frame: FrameId) -> bool:
        """Whether it is new."""
        sessions = self._of[frame.key]
        new = sessions.setdefault(frame.session, SeqSet()).add(frame.seq) == 1
        if len(sessions) > SESSIONS:
            del sessions[min(sessions)]
        return new


class Held:
    """See the module. `make` begins a camera. For the worker's loop alone."""

    def __init__(
        self,
        start: int | None,
        tail: Iterable[Any],
        make: Callable[[str], CameraInView],
        again: int | None = None,
    ) -> None:
        """`start`: the group's committed offset; `tail`: the last records of the same partition of `emotion-events`.

        `again`: from which record on those before `start` are read again, for sums that their faces are to be in.
        """
        self._again = range((start if again is None else again) or 0, start or 0)
        self.log: PartitionLog[Outs] = PartitionLog()
        self.gaps = GapFinder(start)
        self.committed = start
        self.frames = 0  # read and not written out
        self.bytes = 0
        self._make = make
        self._cameras: dict[str, CameraInView] = {}
        self._unfollowed: deque[Job] = deque()
        self._tail: dict[str, list[Observation]] = defaultdict(list)
        self._written = Frames()
        self._counted = Frames()
        for record in tail:
            self._learn(record)

    def _learn(self, record: Any) -> None:
        try:
            kind = record_kind(record.headers)
        except BadRecord:
            return
        if kind is Kind.OBSERVATION and isinstance(seen := parse(record), Observation):
            self.wrote(seen.frame_id)
            self._tail[seen.frame_id.key].append(seen)

    def written(self, frame: FrameId) -> bool:
        """Whether its observation is told already: it is read again after a kill, or was sent twice."""
        return frame in self._written

    def wrote(self, frame: FrameId) -> None:
        """Its observation is on its way there."""
        self._written.add(frame)

    def told(self, offset: int) -> bool:
        """Whether all was written that came of this record, but for sums that its faces are to be in."""
        return offset in self._again

    @property
    def to_commit(self) -> int | None:
        """Up to where all is written; None when that is committed already."""
        position = self.log.position
        return None if position is None or position == self.committed or self.told(position - 1) else position

    def counts(self, frame: FrameId) -> bool:
        """Whether its faces are to be counted: the first time that it is asked."""
        return self._counted.add(frame)

    def since(self) -> int | None:
        """The first record whose faces are in sums that were not told yet."""
        open_ = [each.crowds.since for each in self._cameras.values() if each.crowds is not None]
        return min((offset for offset in open_ if offset is not None), default=None)

    def crowds(self) -> Iterator[Crowds]:
        """Of all cameras."""
        yield from (camera.crowds for camera in self._cameras.values() if camera.crowds is not None)

    def camera(self, key: str) -> CameraInView:
        """Begun, if it must be, from where the tail ends."""
        known = self._cameras.get(key)
        if known is None:
            known = self._cameras[key] = self._make(key)
            tail = self._tail.pop(key, [])
            if tail:
                if known.crowds is None:
                    known.faces.restore(tail)
                known.sight.restore(tail[-1].blind, tail[-1].captured_at)
        return known

    def blind(self) -> Iterator[tuple[str, str]]:
        """Cameras that see nothing, by `site/camera`, with the reason."""
        yield from ((key, camera.sight.sight) for key, camera in self._cameras.items() if camera.sight.sight)

    def expect(self, job: Job) -> None:
        """It was read and is being looked at."""
        self._unfollowed.append(job)
        self.frames += 1
        self.hold(job, len(job.record.value or b""))

    def hold(self, job: Job, size: int) -> None:
        """So many bytes more are held for it, or less."""
        job.size += size
        self.bytes += size

    def written_out(self, job: Job, outs: Outs) -> list[Out]:
        """What it became, once it is its turn."""
        self.frames -= 1
        self.bytes -= job.size
        return outs()

    def answered(self) -> Iterator[Job]:
        """The jobs whose answers are there, in the order of the log."""
        while self._unfollowed and self._unfollowed[0].answer is not None:
            yield self._unfollowed.popleft()
