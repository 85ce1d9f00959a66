"""A camera's faces as sums of ten seconds, so that no record of a face need leave the analyzer. Pure.

Tracks are counted so that later sums can tell how many there were at least: in each ten seconds those that were told,
and of these the ones that were told for the first time. A track's id stays here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.aggregate.panes import pane_of
from pipeline.messages import LABELS, Crowd, CrowdRecord, Face

FORGET = timedelta(seconds=60)  # a track that was not seen for so long is over, its id is not given again
DIGITS = 4  # of scores, as observations carry them

Zones = tuple[str, ...]


@dataclass(slots=True)
class _Tracks:
    """Of one epoch after the other. Who is known from one may be among those of the next, under another id."""

    ids: set[str] = field(default_factory=set)
    most: int = 0  # of an epoch before

    def __len__(self) -> int:
        return max(self.most, len(self.ids))

    def begin_epoch(self) -> None:
        self.most = len(self)
        self.ids.clear()


@dataclass(slots=True)
class _Part:
    faces: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    scores: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    abstained: Counter[str] = field(default_factory=Counter)
    tracks: _Tracks = field(default_factory=_Tracks)
    new: int = 0


class Crowds:
    """Of one camera, `key`: site/camera. Frames are given in the order of the log.

    `since`: offset of the first frame with a face that no record has told of yet; None when there is none. `heard`:
    when anything of the camera was read last, in steady seconds; set by whoever reads.
    """

    def __init__(self, key: str) -> None:
        self.since: int | None = None
        self.heard = 0.0
        self._key = key
        self._pane: datetime | None = None
        self._parts: dict[Zones, _Part] = defaultdict(_Part)
        self._tracks = _Tracks()
        self._known: dict[str, datetime] = {}  # tracks that were told before, with the time of their last face
        self._epoch: int | None = None
        self._untold: datetime | None = None  # the pane in which nobody knows which tracks are new

    def until(self, at: datetime) -> list[CrowdRecord]:
        """The camera's time has come to `at`: what is complete, to be told before anything of that time is."""
        pane = pane_of(at)
        if self._pane is not None and pane <= self._pane:
            return []
        told = self.close()
        self._pane = pane
        self._known = {track: seen for track, seen in self._known.items() if at - seen <= FORGET}
        return told

    def see(self, faces: Iterable[Face], at: datetime, offset: int) -> None:
        """A frame's faces, as they are told; after `until`. Those of a time that was told already are left out."""
        if self._pane is None or pane_of(at) != self._pane:
            return
        for face in faces:
            self._count(face, at)
            self.since = offset if self.since is None else self.since

    def close(self) -> list[CrowdRecord]:
        """What is there, complete or not: nothing more is to come."""
        parts = [_told(zones, part) for zones, part in sorted(self._parts.items())]
        tracks = len(self._tracks)
        self._parts.clear()
        self._tracks = _Tracks()
        self.since = None
        if not parts or self._pane is None:
            return []
        site, _, camera = self._key.partition("/")
        new = sum(part.new for part in parts)
        return [CrowdRecord(site=site, camera=camera, start=self._pane, tracks=tracks, new=new, parts=parts)]

    def _count(self, face: Face, at: datetime) -> None:
        part = self._parts[tuple(sorted(face.zone_ids))]
        part.faces += 1
        scores = face.scores or face.smoothed
        if face.abstained or scores is None or face.label is None:
            part.abstained[face.reason or "unread"] += 1
            return
        part.labels[face.label] += 1
        for label in LABELS:
            part.scores[label] += scores[label]
        if face.track_id is not None:
            if face.track_epoch != self._epoch:
                self._begin_epoch(face.track_epoch)
            part.new += face.track_id not in self._known and self._pane != self._untold
            for tracks in (part.tracks, self._tracks):
                tracks.ids.add(face.track_id)
            self._known[face.track_id] = at

    def _begin_epoch(self, epoch: int) -> None:
        self._epoch, self._untold = epoch, self._pane
        for tracks in (self._tracks, *(part.tracks for part in self._parts.values())):
            tracks.begin_epoch()


def _told(zones: Zones, part: _Part) -> Crowd:
    return Crowd(
        zones=list(zones),
        faces=part.faces,
        labels=dict(sorted(part.labels.items())),
        scores={label: round(total, DIGITS) for label, total in sorted(part.scores.items())},
        abstained=dict(sorted(part.abstained.items())),
        tracks=len(part.tracks),
        new=part.new,
    )
