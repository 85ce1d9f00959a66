"""Scores along a track, smoothed over time. Pure.

A smoothed vector is the mean of what was read of the face, in which a reading counts half as much after each
half-life. How many frames there were in between does not matter, nor how time is cut into steps; and while nothing is
read it stays as it is, but gives way the more readily to what is read next. Where another model reads a track, it
begins anew: scores of two models are never mixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pipeline.analyze.tracking.elapsed import Elapsed
from pipeline.messages import LABELS, ModelRef, Observation, Quality

Scores = NDArray[np.float64]
LEAST_WEIGHT = 1e-6
LEAST_SHARP, USUALLY_SHARP = 0.4, 0.8
FORGET = 600  # seconds without a reading


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """scores: (7,) probabilities, sum 1. weight: of all that was read, as it counts now. by: the model that read."""

    scores: Scores
    weight: float
    by: ModelRef | None = None

    def later(self, half_lives: float) -> Smoothed:
        """After some time without a reading."""
        return Smoothed(self.scores, self.weight * 0.5**half_lives, self.by)

    def read(self, scores: Scores, weight: float) -> Smoothed:
        """With a reading of now."""
        weight = max(weight, LEAST_WEIGHT)
        share = weight / (self.weight + weight)
        return Smoothed((1 - share) * self.scores + share * scores, self.weight + weight, self.by)


def worth(quality: Quality) -> float:
    """How much a reading counts: the fourth power of the face's sharpness, about 0.4 for an ordinary one.

    Measured in docs/decisions/0009; the model's own confidence, tried as well, made nothing better.
    """
    sharp = USUALLY_SHARP if quality.sharpness is None else quality.sharpness
    return float(min(max(sharp, LEAST_SHARP), 1.0) ** 4)


def strongest(scores: Scores) -> tuple[float, float]:
    """(7,) probabilities -> the highest, and by how much it leads."""
    *_, second, first = sorted(scores.tolist())
    return first, first - second


class Smoother:
    """The smoothed scores of one camera's tracks; readings come in the order of their frames.

    half_life: of a reading's weight, seconds
    """

    def __init__(self, half_life: float) -> None:
        self._half_life = half_life
        self._elapsed = Elapsed()
        self._tracks: dict[str, tuple[float, Smoothed]] = {}
        self._swept = 0.0

    def read(self, track: str, scores: Scores, at: datetime, weight: float = 1.0, by: ModelRef | None = None) -> Scores:
        """A face was read: (7,) probabilities -> the smoothed ones, (7,). weight: how much this reading is worth."""
        self._elapsed.to(at)
        now = self._elapsed.seconds
        scores = np.asarray(scores, np.float64)
        known = self._tracks.get(track)
        if known is None or known[1].by != by:
            state = Smoothed(scores, max(weight, LEAST_WEIGHT), by)
        else:
            since, state = known
            state = state.later((now - since) / self._half_life).read(scores, weight)
        self._tracks[track] = now, state
        self._sweep(now)
        return state.scores

    def of(self, track: str) -> Scores | None:
        """(7,) smoothed probabilities of a track that is not read now; None when nothing was read of it."""
        known = self._tracks.get(track)
        return None if known is None else known[1].scores

    def by(self, track: str) -> ModelRef | None:
        """Which model read a track last, as far as that is known."""
        known = self._tracks.get(track)
        return None if known is None else known[1].by

    def restore(self, tail: Iterable[Observation]) -> None:
        """Go on from the last observations of this camera, in the order of the log."""
        for seen in tail:
            for face in seen.faces:
                if face.track_id is None:
                    continue
                scores = face.scores if face.inferred else None
                if scores is None and face.track_id not in self._tracks:
                    scores = face.smoothed
                if scores is not None:
                    by = face.model or seen.model
                    self.read(face.track_id, _vector(scores), seen.captured_at, worth(face.quality), by)
                if face.smoothed is not None:
                    since, state = self._tracks[face.track_id]
                    self._tracks[face.track_id] = since, Smoothed(_vector(face.smoothed), state.weight, state.by)

    def _sweep(self, now: float) -> None:
        if now > self._swept + FORGET:
            self._swept = now
            self._tracks = {track: known for track, known in self._tracks.items() if known[0] + FORGET > now}


def _vector(scores: Mapping[str, float]) -> Scores:
    return np.array([scores[label] for label in LABELS])
