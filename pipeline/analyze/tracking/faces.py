"""A camera's faces over time, all of it together: followed, chosen for the model, and told with smoothed scores. Pure.

Every frame goes through twice, each time in the order of the log: `follow` when its faces are found, `tell` when all
that was to be read of them has been read. In between, other frames may be followed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from pipeline.analyze.tracking.budget import Budget, Candidate, Policy, View
from pipeline.analyze.tracking.camera import CameraTracks
from pipeline.analyze.tracking.smooth import Scores, Smoother, strongest, worth
from pipeline.analyze.tracking.tracker import MakeTracker
from pipeline.classify.abstain import verdict
from pipeline.messages import LABELS, Face, ModelRef, Observation, scores_of

UNREAD = "unread"  # a face that the budget has had no room for yet


@dataclass(frozen=True, slots=True)
class Rules:
    """half_life: seconds, of a reading's weight."""

    make: MakeTracker
    half_life: float = 1.0
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class Reader:
    """The model that is to read a frame's faces. abstain_below: from its calibration."""

    model: ModelRef
    abstain_below: float = 0.0


@dataclass(frozen=True, slots=True)
class Followed:
    """What `follow` says of a frame's faces: the track of each, the epoch of all, and the ones that `reader` reads."""

    tracks: list[str | None]
    epoch: int
    read: list[int]
    reader: Reader


class CameraFaces:
    """`run`: see CameraTracks. Not for several threads at once."""

    def __init__(self, rules: Rules, run: str) -> None:
        self._rules = rules
        self._tracks = CameraTracks(rules.make, run)
        self._smoother = Smoother(rules.half_life)
        self._budget = Budget(rules.policy)

    def restore(self, tail: Sequence[Observation]) -> None:
        """Go on from the last observations of this camera, in the order of the log. Before anything else."""
        for part in (self._tracks, self._smoother, self._budget):
            part.restore(tail)

    def follow(
        self,
        faces: Sequence[Face],
        readable: Sequence[int],
        size: tuple[int, int],
        at: datetime,
        reader: Reader,
        hold: float = 1.0,
        level: float = math.inf,
    ) -> Followed:
        """A frame's faces, as they were found. readable: of which there is a crop; size: of the frame, pixels.

        reader: the model that reads those that are to be. hold: by how many times longer a reading holds than the
        policy says; level: readings a second at most.
        """
        scale = np.array(size * 2, np.float32)
        boxes = [(face.bbox.x, face.bbox.y, face.bbox.width, face.bbox.height) for face in faces]
        confidence = np.array([face.detection_confidence for face in faces], np.float32)
        tracks = self._tracks.update(np.array(boxes, np.float32).reshape(-1, 4) * scale, confidence, at)
        candidates = [
            Candidate(tracks[n], View.of(faces[n], *size), self._doubtful(tracks[n], reader)) for n in readable
        ]
        chosen = self._budget.choose(candidates, at, hold, level)
        read = [n for n, yes in zip(readable, chosen, strict=True) if yes]
        return Followed(tracks, self._tracks.epoch, read, reader)

    def tell(self, faces: Sequence[Face], followed: Followed, at: datetime) -> list[Face]:
        """A frame's faces, after those that were to be read have been -> as they are told.

        A face that was not read though it could be is told by its track's smoothed scores; without any, it is
        abstained as "unread".
        """
        return [
            face.model_copy(
                update={
                    "track_id": track,
                    "track_epoch": followed.epoch,
                    **self._told(face, track, at, followed.reader),
                }
            )
            for face, track in zip(faces, followed.tracks, strict=True)
        ]

    def _told(self, face: Face, track: str | None, at: datetime, reader: Reader) -> dict[str, object]:
        if face.scores is not None:
            if track is None:
                return {}
            vector = np.array([face.scores[label] for label in LABELS])
            by = face.model or reader.model
            return {"smoothed": scores_of(self._smoother.read(track, vector, at, worth(face.quality), by).tolist())}
        if face.reason == "model_error" and track is not None:
            self._budget.unread(track)
        known = None if track is None else self._smoother.of(track)
        told: dict[str, object] = {"inferred": False, "smoothed": None if known is None else scores_of(known.tolist())}
        if track is not None and known is not None and (whose := self._smoother.by(track)) != reader.model:
            told["model"] = whose
        return told if face.abstained else told | self._carried(known, reader)

    def _carried(self, smoothed: Scores | None, reader: Reader) -> dict[str, object]:
        if smoothed is None:
            return {"abstained": True, "reason": UNREAD}
        said = verdict(smoothed.astype(np.float32), reader.abstain_below)
        return {
            "label": said.label,
            "confidence": round(said.confidence, 4),
            "abstained": said.abstained,
            "reason": said.reason,
        }

    def _doubtful(self, track: str | None, reader: Reader) -> bool:
        smoothed = None if track is None else self._smoother.of(track)
        if smoothed is None:
            return False
        first, lead = strongest(smoothed)
        return lead < self._rules.policy.margin or first < reader.abstain_below
