"""How well a tracker keeps people apart: IDF1 and switches, on faces whose person is known. Pure.

IDF1 (Ristani et al. 2016) pairs every person with the one track that fits best over the whole scene. Here persons and
tracks are compared on the very faces that the tracker was given, so nothing depends on how boxes overlap.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from pipeline.analyze.tracking.assign import assign

NOBODY = -1


@dataclass(slots=True)
class Identity:
    """Counts; `add` each frame. `switches`: times that a person is seen under another track than the last time."""

    faces: int = 0  # of people
    tracked: int = 0  # faces that were given a track, false ones too
    switches: int = 0
    pairs: Counter[tuple[int, int]] = field(default_factory=Counter)
    _last: dict[int, int] = field(default_factory=dict)

    def add(self, who: list[int], tracks: list[int | None]) -> None:
        for person, track in zip(who, tracks, strict=True):
            self.faces += person != NOBODY
            self.tracked += track is not None
            if person != NOBODY and track is not None:
                self.switches += self._last.get(person, track) != track
                self._last[person] = track
                self.pairs[person, track] += 1

    @property
    def people(self) -> int:
        return len({person for person, _ in self.pairs})

    @property
    def tracks(self) -> int:
        """Tracks that any person was seen under."""
        return len({track for _, track in self.pairs})

    def right(self) -> int:
        """Faces that are under their person's best track (IDTP)."""
        rows = {person: at for at, person in enumerate(sorted({person for person, _ in self.pairs}))}
        columns = {track: at for at, track in enumerate(sorted({track for _, track in self.pairs}))}
        table = np.zeros((len(rows), len(columns)))
        for (person, track), n in self.pairs.items():
            table[rows[person], columns[track]] = n
        return int(sum(table[pair] for pair in assign(table)))

    @property
    def idf1(self) -> float:
        total = self.faces + self.tracked
        return 2 * self.right() / total if total else 1.0
