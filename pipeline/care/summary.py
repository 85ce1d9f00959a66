"""A day of one place, from the records on the topics: what the report tells. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.care.day import QUARTER, Day, Part
from pipeline.care.figures import Figures, figures
from pipeline.care.stories import Deed, Story, deeds, stories
from pipeline.care.timeline import QUIET, Place, Shows, States, Stretch, Tile, stretches, timeline
from pipeline.care.usual import Figured, Usual, compare
from pipeline.messages import Alert, AuditRecord, CameraStatus, Window

QUIET_SECONDS = 30 * 60  # a quiet stretch that is worth a line
LISTED = 10  # alerts
SEVERITIES = {"critical": 0, "warning": 1, "info": 2}
MISSING_SECONDS = 2 * 60  # the same of a missing one


@dataclass(frozen=True)
class Records:
    """What the topics hold of a place, for the day and the days before: records of others are passed over."""

    windows: Sequence[Window] = ()
    alerts: Sequence[Alert] = ()
    statuses: Sequence[CameraStatus] = ()
    audit: Sequence[AuditRecord] = ()


@dataclass(frozen=True)
class Slot:
    """A quarter of an hour of the chart."""

    start: dt.datetime
    end: dt.datetime
    figures: Figures


@dataclass(frozen=True)
class DaySummary:
    """`until`: how far the day has come. `open_seconds`: time whose windows may still be told anew."""

    place: Place
    day: Day
    until: dt.datetime
    whole: Figures
    slots: tuple[Slot, ...]
    stretches: tuple[Stretch, ...]
    usual: Usual
    stories: tuple[Story, ...]
    deeds: tuple[Deed, ...]
    open_seconds: float

    @property
    def so_far(self) -> bool:
        """Whether the day goes on."""
        return self.until < self.day.end

    @property
    def listed(self) -> tuple[Story, ...]:
        """All alerts, but on days on which nobody would read them all."""
        return self.gravest(LISTED)

    def gravest(self, count: int) -> tuple[Story, ...]:
        """So many alerts at most, in the order in which they were raised."""
        ranked = sorted(self.stories, key=lambda story: (SEVERITIES.get(story.severity, len(SEVERITIES)), story.raised))
        return tuple(story for story in self.stories if story in ranked[:count])

    @property
    def quiet(self) -> list[Stretch]:
        """Long times in which all was seen, and nobody was there or all looked calm; in order."""
        return [stretch for stretch in merged(self.stretches) if stretch.seconds >= QUIET_SECONDS]

    @property
    def missing(self) -> list[Stretch]:
        """Times in which nothing was seen, but for the very short ones; in order."""
        return [
            stretch
            for stretch in self.stretches
            if stretch.shows is Shows.MISSING and stretch.seconds >= MISSING_SECONDS
        ]


def summarize(place: Place, day: Day, now: dt.datetime, records: Records, days_before: int = 6) -> DaySummary:
    """`now`: what comes after it has not happened. Raises ValueError for a day that has not begun, or never was."""
    if now <= day.start or not day.seconds:
        raise ValueError(f"{day.date} has not begun in {day.zone.key}")
    until = min(now, day.end)
    windows = [w for w in records.windows if (w.site, w.scope, w.id) == (place.site, place.scope, place.id)]
    place = replace(place, cameras=place.cameras.union(*(window.cameras for window in windows)))
    states = States(s for s in records.statuses if s.site == place.site and s.camera in place.cameras and s.at <= now)
    tiles = timeline(place, windows, states, day.start, until)
    earlier = []
    for other in day.before(days_before):
        end = min(other.end, other.start + (until - day.start)) if until < day.end else other.end  # like with like
        earlier.append(_figured(timeline(place, windows, states, other.start, end), other, end))
    return DaySummary(
        place=place,
        day=day,
        until=until,
        whole=figures(tiles, day.start, until),
        slots=tuple(_slots(tiles, day.start, until)),
        stretches=tuple(stretches(tiles)),
        usual=compare(_figured(tiles, day, until), earlier),
        stories=stories(place, records.alerts, windows, day.start, until),
        deeds=deeds(place, records.audit, day.start, until),
        open_seconds=sum(tile.seconds for tile in tiles if not tile.final),
    )


def merged(found: Sequence[Stretch]) -> list[Stretch]:
    """Quiet stretches alone, neighbours as one: nobody, where nobody was in view all the time, else calm."""
    result: list[Stretch] = []
    for stretch in found:
        if stretch.shows not in QUIET:
            continue
        if result and result[-1].end == stretch.start:
            shows = stretch.shows if stretch.shows is result[-1].shows else Shows.CALM
            result[-1] = Stretch(result[-1].start, stretch.end, shows)
        else:
            result.append(stretch)
    return result


def _figured(tiles: Sequence[Tile], day: Day, until: dt.datetime) -> Figured:
    """By parts of the day that are over, and the whole."""
    found: dict[Part | None, Figures] = {None: figures(tiles, day.start, until)}
    for part, start, end in day.parts():
        if start < end <= until:
            found[part] = figures(tiles, start, end)
    return found


def _slots(tiles: Sequence[Tile], start: dt.datetime, end: dt.datetime) -> list[Slot]:
    slots = []
    first = 0
    while start < end:
        until = min(start + QUARTER, end)
        while first < len(tiles) and tiles[first].end <= start:
            first += 1
        inside = []
        for tile in tiles[first:]:
            if tile.start >= until:
                break
            inside.append(tile)
        slots.append(Slot(start, until, figures(inside, start, until)))
        start = until
    return slots
