"""What a time adds up to. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pipeline.care.timeline import FACES, Shows, Tile, Why
from pipeline.messages import LABELS

MINUTE = 60.0


@dataclass(frozen=True)
class Figures:
    """Of a time of `seconds`: what was really seen and what was observed blind, and how long it showed what.

    `told`: readings by apparent expression. `missing`: how long nothing was seen, by why.
    """

    seconds: float
    seen: float
    blind: float
    shows: Mapping[Shows, float]
    missing: Mapping[Why, float]
    told: Mapping[str, float]

    @property
    def readings(self) -> float:
        return sum(self.told.values())

    @property
    def with_faces(self) -> float:
        """Seconds in whose minutes there was a face."""
        return sum(self.shows.get(kind, 0.0) for kind in FACES)

    @property
    def judged(self) -> float:
        """Seconds of which it is known whether there was a face."""
        return self.with_faces + self.shows.get(Shows.NOBODY, 0.0)

    def share(self, label: str) -> float | None:
        """Of the readings; None where there are none."""
        return self.told.get(label, 0.0) / self.readings if self.readings else None

    def in_minutes(self) -> Figures:
        """The same, in whole minutes that still add up; what comes to none keeps up to a second."""
        parts: dict[Shows | Why, float] = {kind: time for kind, time in self.shows.items() if kind is not Shows.MISSING}
        parts.update(self.missing.items())
        minutes = {part: int(time // MINUTE) for part, time in parts.items()}
        total = _minutes(self.seconds)
        ups = sorted(parts, key=lambda part: -(parts[part] % MINUTE))[: total - sum(minutes.values())]
        told = {part: (minutes[part] + (part in ups)) * MINUTE or min(time, 1.0) for part, time in parts.items()}
        missing = {why: told[why] for why in self.missing}
        shows: dict[Shows, float] = {kind: told[kind] for kind in self.shows if kind is not Shows.MISSING}
        if missing:
            shows[Shows.MISSING] = sum(missing.values())
        most = total - sum(_minutes(time) for time in missing.values())
        return replace(
            self,
            seconds=total * MINUTE or min(self.seconds, 1.0),
            seen=min(_minutes(self.seen), most) * MINUTE or min(self.seen, 1.0),
            shows=shows,
            missing=missing,
        )


def _minutes(seconds: float) -> int:
    return int(seconds / MINUTE + 0.5)


def figures(tiles: Iterable[Tile], start: dt.datetime, end: dt.datetime) -> Figures:
    """Of the tiles' parts between two times."""
    shows: Counter[Shows] = Counter()
    missing: Counter[Why] = Counter()
    told = dict.fromkeys(LABELS, 0.0)
    seconds = seen = blind = 0.0
    for tile in tiles:
        inside = (min(end, tile.end) - max(start, tile.start)).total_seconds()
        if inside <= 0:
            continue
        seconds += inside
        seen += inside * tile.seen
        blind += inside * tile.blind
        shows[tile.shows] += inside  # type: ignore[assignment]  # a Counter may count fractions
        if tile.why is not None:
            missing[tile.why] += inside  # type: ignore[assignment]
        for label, count in (tile.told or {}).items():
            told[label] = told.get(label, 0.0) + count * inside / tile.seconds
    return Figures(seconds, seen, blind, dict(shows), dict(missing), told)
