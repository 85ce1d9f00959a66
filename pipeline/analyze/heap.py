"""How the C library keeps an analyzer's memory.

Pictures and records come and go in all sizes, from several threads. The C library has a heap for each of some threads,
and keeps what they leave behind, in pieces too small for the next one: after a backlog an analyzer holds half as much
again as it uses, and after each rebalance another amount. With one heap, that is tidied up now and then, it does not.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

ARENA_MAX = -8  # M_ARENA_MAX of malloc.h


def one_heap() -> None:
    """For all threads that begin from now on. Does nothing where the C library has no such call."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(ARENA_MAX, 1)


def give_back() -> None:
    """What is no longer used, to the system. Takes some milliseconds."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
