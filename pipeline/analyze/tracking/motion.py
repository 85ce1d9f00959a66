"""Our tracker: faces followed by place, speed and size, whatever the frame rate. Pure.

Each face is a Kalman filter whose speed fades and is renewed (Singer 1970; Ornstein-Uhlenbeck), solved exactly for
any step of time, so half a second in one step or in ten comes to the same. Lengths are in face sizes (the root of a
box's area), so near and far faces obey one set of numbers. A pair of track and face costs twice the negative
logarithm of how likely it is, with heavy tails, for heads do jerk; one that is less likely than that a new face has
come is no pair. Faces that the detector is sure of choose first, the others may only go on with a track, as ByteTrack
does (Zhang et al. 2022).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pipeline.analyze.detections import Floats
from pipeline.analyze.tracking.assign import assign
from pipeline.analyze.tracking.elapsed import Elapsed

Array = NDArray[np.float64]
LEAST_SIZE = 1.0  # pixels


@dataclass(frozen=True, slots=True)
class Motion:
    """How faces move, and when a face is a new one. Deviations are of normal distributions.

    memory, brief_memory: seconds after which a track that is not seen is forgotten; brief: one that was seen less
        than `proven` times, and was missed in a frame
    sure: confidence from which a face chooses first, and may begin a track
    speed: deviation of the speed, face sizes/s; keeps: seconds that a speed lasts
    place, size: deviations of the detector's box: its centre, in face sizes; the logarithm of its size
    growth: deviation of the logarithm of the size after a second
    tails: degrees of freedom of Student's distribution; the lower, the more readily a jerk is believed
    novelty: cost above which a face is rather a new one
    """

    memory: float = 4.0
    brief_memory: float = 1.0
    proven: int = 2
    sure: float = 0.7
    speed: float = 2.0
    keeps: float = 0.5
    place: float = 0.15
    size: float = 0.07
    growth: float = 0.15
    tails: float = 4.0
    novelty: float = 16.0


class MotionTracker:
    """See the module. One camera's tracks, as columns."""

    def __init__(self, motion: Motion = Motion()) -> None:
        self._motion = motion
        self._elapsed = Elapsed()
        self._next = 0
        self._number = np.empty(0, np.int64)
        self._place = np.empty((0, 2))  # pixels
        self._speed = np.empty((0, 2))  # pixels/s
        self._spread = np.empty((0, 3))  # variances: place, place with speed, speed; in face sizes
        self._size = np.empty((0, 2))  # logarithm of the size in pixels, its variance
        self._seen = np.empty(0, np.int64)  # how often
        self._unseen = np.empty(0)  # seconds

    def __len__(self) -> int:
        return len(self._number)

    def update(self, boxes: Floats, confidence: Floats, at: datetime) -> list[int | None]:
        """See Tracker."""
        self._pass(self._elapsed.to(at))
        found = np.asarray(boxes, np.float64).reshape(-1, 4)
        places = found[:, :2] + found[:, 2:] / 2
        sizes = np.log(np.maximum(np.sqrt(np.abs(found[:, 2] * found[:, 3])), LEAST_SIZE))
        sure = np.asarray(confidence) >= self._motion.sure
        track_of = np.full(len(found), -1)
        if len(self) and len(found):
            gain = self._gain(places, sizes)
            for turn in (np.flatnonzero(sure), np.flatnonzero(~sure)):
                for track, face in assign(gain[:, turn]):
                    track_of[turn[face]] = track
                    gain[track] = 0.0
        old = np.flatnonzero(track_of >= 0)
        self._correct(track_of[old], places[old], sizes[old])
        new = np.flatnonzero((track_of < 0) & sure)
        track_of[new] = len(self) + np.arange(len(new))
        self._begin(places[new], sizes[new])
        return [int(self._number[track]) if track >= 0 else None for track in track_of.tolist()]

    def _pass(self, seconds: float) -> None:
        """Let time go by: move every track on, and forget those that were not seen for too long."""
        motion = self._motion
        brief = (self._seen < motion.proven) & (self._unseen > 0)
        self._unseen += seconds
        keep = self._unseen < np.where(brief, motion.brief_memory, motion.memory)
        if not keep.all():
            for column in ("_number", "_place", "_speed", "_spread", "_size", "_seen", "_unseen"):
                setattr(self, column, getattr(self, column)[keep])
        fade = math.exp(-seconds / motion.keeps)
        reach = motion.keeps * (1 - fade)
        self._place += reach * self._speed
        self._speed *= fade
        place, both, speed = self._spread.T.copy()
        whole, kept = motion.speed**2, motion.keeps
        self._spread[:, 0] = place + 2 * reach * both + reach**2 * speed
        self._spread[:, 0] += whole * kept**2 * max(0.0, 2 * seconds / kept - 3 + 4 * fade - fade**2)
        self._spread[:, 1] = fade * (both + reach * speed) + whole * kept * (1 - fade) ** 2
        self._spread[:, 2] = fade**2 * speed + whole * (1 - fade**2)
        self._size[:, 1] += motion.growth**2 * seconds

    def _gain(self, places: Array, sizes: Array) -> Array:
        """(tracks, faces): by how much each pair is likelier than a new face."""
        motion = self._motion
        spread = self._spread[:, 0] + motion.place**2
        apart = places[None] - self._place[:, None]
        far = (apart**2).sum(2) / (np.exp(2 * self._size[:, 0]) * spread)[:, None]
        grown = (sizes[None] - self._size[:, :1]) ** 2 / (self._size[:, 1:] + motion.size**2)
        cost = (motion.tails + 3) * np.log1p((far + grown) / motion.tails)
        cost += 2 * np.log(spread / motion.place**2)[:, None]
        gain: Array = motion.novelty - cost
        return gain

    def _correct(self, tracks: NDArray[np.intp], places: Array, sizes: Array) -> None:
        """Kalman's correction of these tracks by the faces that they were paired with."""
        motion = self._motion
        spread = self._spread[tracks]
        gain = spread[:, :2] / (spread[:, :1] + motion.place**2)
        apart = places - self._place[tracks]
        self._place[tracks] += gain[:, :1] * apart
        self._speed[tracks] += gain[:, 1:] * apart
        self._spread[tracks, 2] -= gain[:, 1] * spread[:, 1]
        self._spread[tracks, 1] -= gain[:, 1] * spread[:, 0]
        self._spread[tracks, 0] -= gain[:, 0] * spread[:, 0]
        size = self._size[tracks]
        share = size[:, 1] / (size[:, 1] + motion.size**2)
        self._size[tracks, 0] += share * (sizes - size[:, 0])
        self._size[tracks, 1] -= share * size[:, 1]
        self._seen[tracks] += 1
        self._unseen[tracks] = 0.0

    def _begin(self, places: Array, sizes: Array) -> None:
        n, motion = len(places), self._motion
        self._number = np.append(self._number, self._next + np.arange(n))
        self._next += n
        self._place = np.concatenate((self._place, places))
        self._speed = np.concatenate((self._speed, np.zeros((n, 2))))
        self._spread = np.concatenate((self._spread, np.tile((motion.place**2, 0.0, motion.speed**2), (n, 1))))
        self._size = np.concatenate((self._size, np.stack((sizes, np.full(n, motion.size**2)), 1)))
        self._seen = np.append(self._seen, np.ones(n, np.int64))
        self._unseen = np.append(self._unseen, np.zeros(n))
