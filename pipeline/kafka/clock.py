"""How far a machine's clock is from Kafka's, by records of which Kafka says when it took them. Pure.

Kafka took a record between its sending and its answer. So what the clock is ahead lies between the two differences, and
half of what is between them bounds the error, however the way there and back share it. As in NTP (RFC 5905) the
shortest of the last round trips tells most.
"""

from __future__ import annotations

from collections import deque

from pipeline.messages import ClockOffset

KEPT = 12  # signs of life of a minute
TICK = 0.001  # seconds; Kafka cuts its time down to whole milliseconds


class Offsets:
    """The last measurements of one clock. For one thread."""

    def __init__(self) -> None:
        self._kept: deque[ClockOffset] = deque(maxlen=KEPT)

    def add(self, sent: float, answered: float, taken_ms: int) -> ClockOffset | None:
        """The best of the last ones; None while there is none.

        `sent`, `answered`: by this machine's clock, seconds of Unix time; `taken_ms`: by Kafka's, milliseconds. One
        that is answered before it is sent is passed over: the clock was set back meanwhile. Those that cannot be
        true together with the newest are forgotten: this clock was set since, or Kafka's.
        """
        if answered >= sent:
            most, least = answered - taken_ms / 1000, sent - taken_ms / 1000 - TICK
            new = ClockOffset(seconds=(most + least) / 2, uncertainty=(most - least) / 2)
            self._kept = deque([*(each for each in self._kept if _agree(each, new)), new], KEPT)
        return min(self._kept, key=lambda each: each.uncertainty, default=None)


def _agree(one: ClockOffset, other: ClockOffset) -> bool:
    """Whether both can be true."""
    return abs(one.seconds - other.seconds) <= one.uncertainty + other.uncertainty
