"""Where no record of a face may leave the analyzer: what is written in place of faces, and when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pipeline.analyze.held import Held
from pipeline.analyze.recorder import Recorder
from pipeline.kafka.outbox import Out
from pipeline.messages import GONE, CrowdRecord, Face, FrameHeader, Ledger

SILENT_SECONDS = 5.0  # of a camera of which nothing is heard, what there is of its sums is told


class Sums:
    """Called in the order of the log, when it is written out. `now`: steady seconds."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def until(self, held: Held, key: str, at: datetime, now: float) -> list[Out]:
        """The time of a camera, `key`: site/camera, has come to `at`: to be written before anything of that time."""
        crowds = held.camera(key).crowds
        assert crowds is not None
        crowds.heard = now
        return self._outs(crowds.until(at))

    def frame(self, held: Held, header: FrameHeader, faces: Iterable[Face], offset: int, now: float) -> list[Out]:
        """A frame's faces are counted: once, however often it is read. What is to be written before its observation."""
        outs = self.until(held, header.frame_id.key, header.captured_at, now)
        crowds = held.camera(header.frame_id.key).crowds
        if crowds is not None and held.counts(header.frame_id):
            crowds.see(faces, header.captured_at, offset)
        return outs

    def ledger(self, held: Held, ledger: Ledger, now: float) -> list[Out]:
        """The same before a ledger record. With a camera's last one, all that there is of it is told."""
        outs = self.until(held, ledger.key, ledger.covers_to, now)
        crowds = held.camera(ledger.key).crowds
        if crowds is not None and ledger.final and ledger.state in GONE:
            outs += self._outs(crowds.close())
        return outs

    def silent(self, held: Held, now: float) -> list[Out]:
        """Of cameras that nothing was heard of for a while, though all was read that there is."""
        return [
            out
            for crowds in held.crowds()
            if crowds.since is not None and now - crowds.heard > SILENT_SECONDS
            for out in self._outs(crowds.close())
        ]

    def _outs(self, records: Iterable[CrowdRecord]) -> list[Out]:
        return [self._recorder.crowd(record) for record in records]
