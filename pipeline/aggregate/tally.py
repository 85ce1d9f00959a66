"""What was counted of some frames and faces; sums that can be added in any order. Pure.

Everything is an integer, so that panes merge to the same value however they are grouped: `expected` in thousandths of
a frame, `scores` in ten-thousandths, the digits that observations carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import PlainSerializer

from pipeline.aggregate.least import Least, over
from pipeline.messages import LABELS, Crowd, Face

FRAME = 1000  # `Tally.expected` of one frame
FROZEN = "frozen"  # of such a picture nobody knows when it was seen: its faces are not told
CERTAIN = 10_000  # `Tally.scores` of one face with probability 1


# Written in order, so that equal values are equal bytes.
Counts = Annotated[dict[str, int], PlainSerializer(lambda counts: dict(sorted(counts.items())))]


@dataclass(slots=True)
class Tally:
    """`faces` are counted once a frame they are seen in; `told`: those whose expression is told.

    `blind`: of the observed frames, those of a camera that saw nothing of use, by reason. Where faces come in crowds,
    `least` stands for `tracks`, and a camera's pane says in `parts` how many there were in each part of the picture.
    """

    expected: int = 0
    observed: int = 0
    dead_lettered: int = 0
    dropped: Counts = field(default_factory=dict)
    late: int = 0  # frames that came after their pane had been closed
    faces: int = 0
    told: int = 0
    abstained: Counts = field(default_factory=dict)
    scores: list[int] = field(default_factory=lambda: [0] * len(LABELS))
    labels: list[int] = field(default_factory=lambda: [0] * len(LABELS))
    tracks: Annotated[set[str], PlainSerializer(sorted)] = field(default_factory=set)
    blind: Counts = field(default_factory=dict)
    least: Least = field(default_factory=Least)
    parts: dict[str, Least] = field(default_factory=dict)

    def see(self, faces: Iterable[Face], blind: str = "") -> None:
        """Counts one frame and its faces. What was not read afresh is counted by its track's smoothed scores."""
        self.observed += 1
        if blind:
            _count(self.blind, blind)
        for face in faces:
            self.faces += 1
            if face.track_id is not None:
                self.tracks.add(face.track_id)
            scores = face.scores or face.smoothed
            if blind == FROZEN:
                _count(self.abstained, FROZEN)
                continue
            if face.abstained or scores is None or face.label is None:
                _count(self.abstained, face.reason or "unread")
                continue
            self.told += 1
            self.labels[LABELS.index(face.label)] += 1
            for at, label in enumerate(LABELS):
                self.scores[at] += round(scores[label] * CERTAIN)

    def gather(self, crowd: Crowd) -> None:
        """Counts faces of some frames; of those frames others tell."""
        told = sum(crowd.labels.values())
        self.faces += crowd.faces
        self.told += told
        for reason, n in crowd.abstained.items():
            _count(self.abstained, reason, n)
        for at, label in enumerate(LABELS):
            self.labels[at] += crowd.labels.get(label, 0)
            self.scores[at] += round(crowd.scores.get(label, 0.0) * CERTAIN)

    def add(self, other: Tally) -> None:
        self.expected += other.expected
        self.observed += other.observed
        self.dead_lettered += other.dead_lettered
        self.late += other.late
        self.faces += other.faces
        self.told += other.told
        for reason, n in other.dropped.items():
            _count(self.dropped, reason, n)
        for reason, n in other.abstained.items():
            _count(self.abstained, reason, n)
        for reason, n in other.blind.items():
            _count(self.blind, reason, n)
        self.scores = [a + b for a, b in zip(self.scores, other.scores, strict=True)]
        self.labels = [a + b for a, b in zip(self.labels, other.labels, strict=True)]
        self.tracks |= other.tracks
        self.least = Least(self.least.tracks + other.least.tracks, self.least.new + other.least.new)

    def drop(self, reason: str, frames: int) -> None:
        _count(self.dropped, reason, frames)


def merged(tallies: Iterable[Tally]) -> Tally:
    """Of different cameras."""
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def in_order(tallies: Sequence[Tally]) -> Tally:
    """Of one camera, one time after the other."""
    total = merged(tallies)
    total.least = over(tally.least for tally in tallies)
    return total


def _count(counts: dict[str, int], reason: str, n: int = 1) -> None:
    if n:
        counts[reason] = counts.get(reason, 0) + n
