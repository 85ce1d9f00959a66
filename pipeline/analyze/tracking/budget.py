"""Whom to read next: of a frame's faces, those that are sent to the model. Pure.

What was read of a face holds for a time, and for a quarter of it where the face has changed since or its expression
was in doubt. A face's need is how long ago it was read by how long that holds; from 1 on it is due. The neediest come
first, as far as the budget goes. A face that has not been read yet comes before all but those that have waited four
times too long.

Nobody starves. Of N faces that stay in the picture, with a budget of B readings a second, each is read at least once in

    2 * max(4 * hold, N * (1 / part + 2) / B) + two frame intervals     (hold, part: as in Policy)

however many strangers come and go: while a face waits, its need grows beyond that of new ones and of all who were read
since, and each of these is read again only after it has come as far.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.analyze.tracking.elapsed import Elapsed
from pipeline.messages import Face, Observation

DUE = 1 - 1e-6
NEW = 4.0  # need of a face that was not read yet, when it is first seen
BURST = 1.0  # seconds for which an unused budget is saved up
FORGET = 10.0  # seconds; a face that comes back later is new
LEAST_HOLD = 1e-3
LEAST_SIZE = 1.0  # pixels


@dataclass(frozen=True, slots=True)
class Policy:
    """Which faces are read.

    per_second: readings a second and camera, inf for as many as are due
    hold: seconds for which what was read of a face holds; 0: every face is due in every frame
    part: of `hold`, for a face that has changed or is in doubt
    moved: has moved by so many face sizes since it was read; resized: has grown or shrunk by this factor;
    turned: has turned by so many degrees; sharper: is so much sharper than what was read
    margin: an expression is in doubt when it leads by less
    """

    per_second: float = math.inf
    hold: float = 1.0
    part: float = 0.25
    moved: float = 1.0
    resized: float = 1.3
    turned: float = 15.0
    sharper: float = 0.15
    margin: float = 0.2

    def bound(self, faces: int, interval: float) -> float:
        """Seconds within which each of so many faces is read at least once; see the module."""
        return 2 * max(NEW * self.hold, faces * (1 / self.part + 2) / self.per_second) + 2 * interval


@dataclass(frozen=True, slots=True)
class View:
    """How a face was looking: centre and size in pixels, degrees, sharpness as in Quality; nan where not known."""

    x: float
    y: float
    size: float
    yaw: float = math.nan
    sharpness: float = math.nan

    @classmethod
    def of(cls, face: Face, width: int, height: int) -> View:
        """`width`, `height`: pixels of the frame."""
        box, quality = face.bbox, face.quality
        size = math.sqrt(max(box.width * width * box.height * height, LEAST_SIZE))
        x, y = (box.x + box.width / 2) * width, (box.y + box.height / 2) * height
        yaw = math.nan if quality.yaw is None else quality.yaw
        return cls(x, y, size, yaw, math.nan if quality.sharpness is None else quality.sharpness)

    def differs(self, now: View, policy: Policy) -> bool:
        """What is not known has not changed."""
        return (
            math.hypot(now.x - self.x, now.y - self.y) > policy.moved * self.size
            or max(now.size, self.size) > policy.resized * min(now.size, self.size)
            or abs(now.yaw - self.yaw) > policy.turned
            or now.sharpness - self.sharpness > policy.sharper
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face that could be read. `doubtful`: its track's expression is weak (see Policy.margin) or abstained."""

    track: str | None
    view: View
    doubtful: bool = False


@dataclass(slots=True)
class _Reading:
    """Of a track: when it was read last, or first seen while `view` is None; when it was seen last."""

    at: float
    seen: float
    view: View | None = None


class Budget:
    """One camera's budget; frames in the order of the log. Not for several threads at once."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._left = max(1.0, policy.per_second * BURST)
        self._elapsed = Elapsed()
        self._tracks: dict[str, _Reading] = {}
        self._swept = 0.0

    def choose(
        self, faces: Sequence[Candidate], at: datetime, longer: float = 1.0, level: float = math.inf
    ) -> list[bool]:
        """A frame's faces -> which of them are read. `longer`: times that a reading holds, see Policy.

        `level`: readings a second that there are now at most; it does not touch who wants every face read (hold 0).
        """
        step, rate = self._elapsed.to(at), min(self._policy.per_second, level if self._policy.hold else math.inf)
        self._left = min(self._left + rate * step if step else self._left, max(1.0, rate * max(BURST, step)))
        now = self._elapsed.seconds
        due = [(need, at_face) for at_face, face in enumerate(faces) if (need := self._need(face, now, longer)) >= DUE]
        due.sort(key=lambda pair: (-pair[0], pair[1]))
        chosen = [False] * len(faces)
        for _, at_face in due[: math.floor(self._left) if self._left < len(due) else None]:
            self._left -= 1
            chosen[at_face] = True
            face = faces[at_face]
            if face.track is not None:
                self._tracks[face.track] = _Reading(now, now, face.view)
        self._sweep(now)
        return chosen

    def restore(self, tail: Iterable[Observation]) -> None:
        """Go on from the last observations of this camera, in the order of the log."""
        for seen in tail:
            self._elapsed.to(seen.captured_at)
            now = self._elapsed.seconds
            for face in seen.faces:
                if face.track_id is not None and face.inferred:
                    view = View.of(face, seen.width, seen.height)
                    self._tracks[face.track_id] = _Reading(now, now, view)

    def unread(self, track: str) -> None:
        """The model failed on it: it is as if it had not been read."""
        known = self._tracks.get(track)
        if known is not None:
            known.view = None

    def _need(self, face: Candidate, now: float, longer: float) -> float:
        hold = max(self._policy.hold * longer, LEAST_HOLD)
        if face.track is None:
            return 1.0
        known = self._tracks.get(face.track)
        if known is None or now - known.seen > FORGET:
            known = self._tracks[face.track] = _Reading(now, now)
        known.seen = now
        waited = (now - known.at) / hold
        if known.view is None:
            return NEW + waited
        if self._policy.hold == 0:
            return 1.0 + waited
        return waited / self._policy.part if face.doubtful or known.view.differs(face.view, self._policy) else waited

    def _sweep(self, now: float) -> None:
        if now > self._swept + FORGET:
            self._swept = now
            self._tracks = {track: known for track, known in self._tracks.items() if known.seen + FORGET > now}
