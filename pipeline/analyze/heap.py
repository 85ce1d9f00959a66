"""Memory that a process no longer uses, given back to the system.

Pictures come and go in all sizes, from several threads. The C library keeps what they leave behind, in pieces too small
for the next one: after a backlog an analyzer holds half as much again as it uses, and a little more after each.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Takes some milliseconds. Does nothing where the C library has no such call."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
