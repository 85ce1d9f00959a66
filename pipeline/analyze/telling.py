"""What is written of a record once it is its turn: all that came before it in the log has been told."""

from __future__ import annotations

import logging
import time

from pipeline.analyze.held import Held, Job
from pipeline.analyze.overload import Overload
from pipeline.analyze.recorder import Recorder
from pipeline.analyze.sums import Sums
from pipeline.analyze.vision import Looked
from pipeline.errors import BadRecord
from pipeline.kafka.outbox import Out
from pipeline.logs import of
from pipeline.messages import FrameHeader, Ledger, SeqRange

log = logging.getLogger(__name__)


class Telling:
    """For the worker's loop. `sums`: where faces only go into sums."""

    def __init__(self, recorder: Recorder, sums: Sums | None, overload: Overload) -> None:
        self._recorder = recorder
        self._sums = sums
        self._overload = overload

    def observed(self, job: Job) -> list[Out]:
        """A frame whose faces are found, and read where they were to be."""
        assert isinstance(job.answer, Looked)
        assert job.followed is not None
        seen, header = job.answer.seen, job.header
        sums: list[Out] = []
        if job.held.written(header.frame_id) and self._sums is None:  # by another record of the same frame
            return job.before
        try:
            faces = job.held.camera(header.frame_id.key).faces
            seen.faces = faces.tell(seen.faces, job.followed, header.captured_at)
            if self._sums is not None:
                sums = self._sums.frame(job.held, header, seen.faces, job.record.offset, time.monotonic())
                if job.again or job.held.written(header.frame_id):
                    return [*job.before, *sums]
            traceparent = header.traceparent if job.spans is None else job.spans.emitted()
            told = self._recorder.observed(
                header,
                seen,
                job.reader.model,
                traceparent,
                withheld=self._sums is not None,
                degradation=self._overload.taken,
            )
        except Exception as error:  # a bug of ours must not stop the partition
            return self.bug(job, "telling of its faces", error)
        job.held.wrote(header.frame_id)
        return [*job.before, *sums, told]

    def passed_on(self, held: Held, ledger: Ledger, outs: list[Out]) -> list[Out]:
        """A ledger record."""
        return outs if self._sums is None else [*self._sums.ledger(held, ledger, time.monotonic()), *outs]

    def dropped(self, held: Held, header: FrameHeader, before: list[Out], reason: str) -> list[Out]:
        """A frame that nobody looks at, for want of time."""
        frame = header.frame_id
        told = self._recorder.dropped(frame, SeqRange(first=frame.seq, last=frame.seq), reason, header.captured_at)
        outs = [*before, told]
        if self._sums is None:
            return outs
        return [*self._sums.until(held, frame.key, header.captured_at, time.monotonic()), *outs]

    def unusable(self, job: Job, error: BadRecord) -> list[Out]:
        """A frame that cannot be read."""
        outs = [*job.before, *(() if job.again else self._recorder.dead(job.record, error))]
        if self._sums is None:
            return outs
        header = job.header
        return [*self._sums.until(job.held, header.frame_id.key, header.captured_at, time.monotonic()), *outs]

    def bug(self, job: Job, doing: str, error: Exception) -> list[Out]:
        """A frame that an error of ours is in the way of."""
        log.exception("%s: %s failed", job.header.frame_id.event_id, doing, extra=of(job.header))
        letter = BadRecord("internal", f"{doing} failed: {error!r}")
        return [*job.before, *(() if job.again else self._recorder.dead(job.record, letter))]
