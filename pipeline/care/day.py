"""A day in the site's time zone, which has 23 or 25 hours twice a year. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from pipeline.wording import clock

TICK_HOURS = 3
QUARTER = dt.timedelta(minutes=15)  # clocks of all zones differ from UTC by whole quarters of an hour


class Part(StrEnum):
    """Quarters of a day by the clock."""

    NIGHT = "night"  # 0 to 6
    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"  # 18 to 24


@dataclass(frozen=True)
class Day:
    date: dt.date
    zone: ZoneInfo

    @property
    def start(self) -> dt.datetime:
        """In UTC. Where the clock jumps over midnight: when it jumps."""
        return self._at(self.date, 0)

    @property
    def end(self) -> dt.datetime:
        return self._at(self.date + dt.timedelta(days=1), 0)

    @property
    def seconds(self) -> float:
        """None at all for a day that the calendar of the zone left out."""
        return (self.end - self.start).total_seconds()

    def before(self, days: int) -> list[Day]:
        """The days before this one, latest first."""
        return [Day(self.date - dt.timedelta(days=back), self.zone) for back in range(1, days + 1)]

    def parts(self) -> Iterator[tuple[Part, dt.datetime, dt.datetime]]:
        for number, part in enumerate(Part):
            end = self.end if part is Part.EVENING else self._at(self.date, 6 * number + 6)
            yield part, self._at(self.date, 6 * number), end

    def ticks(self) -> Iterator[tuple[dt.datetime, str]]:
        """Every third hour of the clock, and when it is."""
        at = self.start
        while at <= self.end:
            local = at.astimezone(self.zone)
            if local.minute == 0 and local.hour % TICK_HOURS == 0:
                yield at, "24" if at == self.end else str(local.hour)
            at += QUARTER

    def clock(self, at: dt.datetime) -> str:
        """`07:05`; with the name of the zone's time where the clock showed that twice, with the date on another day."""
        local = at.astimezone(self.zone)
        text = "24:00" if at == self.end else clock(local)
        if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
            text += f" {local.tzname()}"
        return text if self.start <= at <= self.end else f"{local:%d.%m.} {text}"

    def _at(self, date: dt.date, hour: int) -> dt.datetime:
        return dt.datetime.combine(date, dt.time(hour), self.zone).astimezone(dt.UTC)
