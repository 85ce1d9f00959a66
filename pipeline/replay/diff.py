"""What a replay of frames says otherwise than was published the first time: frames, faces, labels, scores. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from pipeline.analyze.tracking.assign import assign
from pipeline.classify.abstain import UNCERTAIN
from pipeline.messages import LABELS, Box, Face, ModelRef, Observation, Stub
from pipeline.replay.distance import Distances
from pipeline.replay.join import Pair

LEAST_OVERLAP = 0.5  # intersection over union from which two boxes are the same face
TOLD = "told"


class Read(StrEnum):
    """What lies behind a face's expression: its own scores, its track's, or nothing, as it was not to be read."""

    INFERRED = "inferred"
    CARRIED = "carried"
    UNREAD = "unread"

    @classmethod
    def of(cls, face: Face) -> Read:
        if face.inferred and face.scores is not None:
            return cls.INFERRED
        told = not face.abstained or face.reason in (UNCERTAIN, "unread")
        return cls.CARRIED if told else cls.UNREAD


@dataclass(slots=True)
class Changes:
    """Of some frames. Faces are compared where both runs gave them to the model; `labels`: from what to what, of all
    that were compared; `verdicts`: of faces whose expression is told in one run and not in the other, or not for the
    same reason."""

    both: int = 0
    dead_both: int = 0
    only_first: Counter[str] = field(default_factory=Counter)  # by why
    only_replay: Counter[str] = field(default_factory=Counter)
    now_dead: Counter[str] = field(default_factory=Counter)  # by reason: observed the first time
    no_longer_dead: Counter[str] = field(default_factory=Counter)
    faces: Counter[str] = field(default_factory=Counter)
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    distances: Distances = field(default_factory=Distances)

    def add(self, pair: Pair) -> None:
        match pair.first, pair.again:
            case Observation() as first, Observation() as again:
                self.both += 1
                self._compare(first.faces, again.faces)
            case Observation(), Stub(reason=reason):
                self.now_dead[reason] += 1
            case Stub(reason=reason), Observation():
                self.no_longer_dead[reason] += 1
            case Stub(), Stub():
                self.dead_both += 1
            case _, None:
                self.only_first[str(pair.why)] += 1
            case None, _:
                self.only_replay[str(pair.why)] += 1

    def merge(self, other: Changes) -> None:
        self.both += other.both
        self.dead_both += other.dead_both
        for mine, theirs in (
            (self.only_first, other.only_first),
            (self.only_replay, other.only_replay),
            (self.now_dead, other.now_dead),
            (self.no_longer_dead, other.no_longer_dead),
            (self.faces, other.faces),
        ):
            mine.update(theirs)
        self.labels.update(other.labels)
        self.verdicts.update(other.verdicts)
        self.distances.merge(other.distances)

    @property
    def changed(self) -> int:
        """Faces whose strongest expression is another one."""
        return sum(count for (old, new), count in self.labels.items() if old != new)

    def report(self) -> dict[str, Any]:
        compared = self.labels.total()
        faces = ("first", "replay", "matched", "missing", "new", "compared", *(Read.CARRIED, Read.UNREAD))
        return {
            "frames": {
                "both": self.both,
                "only_first": dict(sorted(self.only_first.items())),
                "only_replay": dict(sorted(self.only_replay.items())),
                "dead_both": self.dead_both,
                "now_dead": dict(sorted(self.now_dead.items())),
                "no_longer_dead": dict(sorted(self.no_longer_dead.items())),
            },
            "faces": {str(key): self.faces[key] for key in faces},
            "labels": {
                "changed": self.changed,
                "share": round(self.changed / compared, 6) if compared else None,
                "matrix": _matrix(self.labels),
            },
            "scores": self.distances.report(),
            "verdicts": {f"{old} -> {new}": n for (old, new), n in sorted(self.verdicts.items())},
        }

    def _compare(self, first: Sequence[Face], again: Sequence[Face]) -> None:
        pairs = matched([face.bbox for face in first], [face.bbox for face in again])
        self.faces.update(
            first=len(first),
            replay=len(again),
            matched=len(pairs),
            missing=len(first) - len(pairs),
            new=len(again) - len(pairs),
        )
        for one, other in pairs:
            self._face(first[one], again[other])

    def _face(self, first: Face, again: Face) -> None:
        how = {Read.of(first), Read.of(again)}
        if Read.CARRIED in how:
            self.faces[Read.CARRIED] += 1
            return
        if (old := _verdict(first)) != (new := _verdict(again)):
            self.verdicts[old, new] += 1
        if Read.UNREAD in how:
            self.faces[Read.UNREAD] += 1
            return
        assert first.scores is not None
        assert again.scores is not None
        self.faces["compared"] += 1
        self.labels[_strongest(first.scores), _strongest(again.scores)] += 1
        self.distances.add(first.scores, again.scores)


class Comparison:
    """All frames, by camera, and who computed what."""

    def __init__(self) -> None:
        self.cameras: dict[str, Changes] = defaultdict(Changes)
        self._by: dict[tuple[str, str], set[ModelRef]] = defaultdict(set)

    def add(self, pair: Pair) -> None:
        fate = pair.first or pair.again
        assert fate is not None
        self.cameras[fate.frame_id.key].add(pair)
        for run, told in (("first", pair.first), ("replay", pair.again)):
            if isinstance(told, Observation):
                self._by[run, "detectors"].add(told.detector)
                self._by[run, "models"].add(told.model)

    @property
    def total(self) -> Changes:
        whole = Changes()
        for changes in self.cameras.values():
            whole.merge(changes)
        return whole

    def report(self) -> dict[str, Any]:
        refs = {
            run: {kind: _refs(self._by[run, kind]) for kind in ("detectors", "models")} for run in ("first", "replay")
        }
        cameras = {camera: changes.report() for camera, changes in sorted(self.cameras.items())}
        return {**refs, **self.total.report(), "cameras": cameras}


def matched(first: Sequence[Box], again: Sequence[Box]) -> list[tuple[int, int]]:
    """Which boxes are the same face: pairs of greatest total overlap, each of at least LEAST_OVERLAP."""
    gain = np.array([[overlap(one, other) for other in again] for one in first]).reshape(len(first), len(again))
    return assign(np.where(gain >= LEAST_OVERLAP, gain, 0.0))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, 0..1. Two empty boxes at one place are the same."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    common = max(0.0, width) * max(0.0, height)
    union = one.width * one.height + other.width * other.height - common
    return common / union if union > 0 else float(one == other)


def _verdict(face: Face) -> str:
    return face.reason or "abstained" if face.abstained else TOLD


def _strongest(scores: dict[str, float]) -> str:
    return max(LABELS, key=lambda label: scores.get(label, 0.0))


def _matrix(labels: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    rows: dict[str, dict[str, int]] = {}
    for old in LABELS:
        row = {new: labels[old, new] for new in LABELS if labels[old, new]}
        if row:
            rows[old] = row
    return rows


def _refs(refs: set[ModelRef]) -> list[dict[str, str]]:
    return [ref.model_dump() for ref in sorted(refs, key=lambda ref: (ref.name, ref.version, ref.sha256))]
