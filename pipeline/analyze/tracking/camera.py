"""The tracks of one camera: their ids, how long they hold, and how they go on elsewhere after a rebalance. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np

from pipeline.analyze.detections import Floats
from pipeline.analyze.tracking.elapsed import Elapsed
from pipeline.analyze.tracking.tracker import MakeTracker
from pipeline.messages import Observation

MEMORY = timedelta(seconds=4)


class CameraTracks:
    """Names the faces of one camera, frame by frame in the order of the log. Not for several threads at once.

    run: 64 random bits in hex, new for every CameraTracks; with a number behind it, it is a track's id, so an id
        tells nothing of a person and is never given twice
    memory: a longer gap between two frames ends all tracks
    """

    def __init__(self, make: MakeTracker, run: str, memory: timedelta = MEMORY) -> None:
        self.epoch = 0
        self._make = make
        self._run = run
        self._memory = memory.total_seconds()
        self._elapsed = Elapsed()
        self._tracker = make()
        self._given = 0  # ids of this run
        self._ids: dict[int, str] = {}  # of the tracks of the last frames, by the tracker's number
        self._seen: dict[int, float] = {}  # when, by `_elapsed`
        self._swept = 0.0

    def update(self, boxes: Floats, confidence: Floats, at: datetime) -> list[str | None]:
        """A frame's faces -> the id of each one's track; None for one too doubtful to begin a track with.

        boxes: (N, 4) x, y of the top left corner, width, height; pixels. confidence: (N,) 0..1.
        Afterwards `epoch` holds for this frame: since when, in seconds of Unix time, no track was lost because frames
        were missing. It grows whenever that happens, and ids of two epochs have nothing to do with each other.
        """
        if self._elapsed.to(at) > self._memory:
            self._tracker = self._make()
            self._ids.clear()
            self._seen.clear()
            self.epoch = max(self.epoch + 1, int(at.timestamp()))
        elif not self.epoch:
            self.epoch = int(at.timestamp())
        return [None if number is None else self._name(number) for number in self._numbers(boxes, confidence, at)]

    def restore(self, tail: Iterable[Observation]) -> None:
        """Go on from the last observations of this camera, in the order of the log. Before the first `update`.

        The tracker is shown the same faces again, and its tracks take the ids that they were told under. If the next
        frame comes too late for them, `update` begins a new epoch.
        """
        for seen in tail:
            if self._elapsed.to(seen.captured_at) > self._memory:
                self._tracker = self._make()
                self._ids.clear()
                self._seen.clear()
            scale = np.array((seen.width, seen.height) * 2, np.float32)
            boxes = [(face.bbox.x, face.bbox.y, face.bbox.width, face.bbox.height) for face in seen.faces]
            confidence = [face.detection_confidence for face in seen.faces]
            numbers = self._numbers(
                np.array(boxes, np.float32).reshape(-1, 4) * scale, np.array(confidence, np.float32), seen.captured_at
            )
            for face, number in zip(seen.faces, numbers, strict=True):
                self.epoch = max(self.epoch, face.track_epoch)
                if face.track_id is not None and number is not None:
                    self._ids = {n: track for n, track in self._ids.items() if track != face.track_id}
                    self._ids[number] = face.track_id

    def _numbers(self, boxes: Floats, confidence: Floats, at: datetime) -> list[int | None]:
        numbers = self._tracker.update(boxes, confidence, at)
        now = self._elapsed.seconds
        for number in numbers:
            if number is not None:
                self._seen[number] = now
        if now > self._swept + self._memory:
            self._swept = now
            self._seen = {number: seen for number, seen in self._seen.items() if seen + 2 * self._memory > now}
            self._ids = {number: track for number, track in self._ids.items() if number in self._seen}
        return numbers

    def _name(self, number: int) -> str:
        track = self._ids.get(number)
        if track is None:
            track = self._ids[number] = f"{self._run}-{self._given}"
            self._given += 1
        return track
