"""How many tracks there were at least, where nobody may say which: from counts of ten seconds each. Pure.

`new` tracks were not there before, so they may be added to those of an earlier time; the others may be the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

ALL = "*"  # among the parts of a picture: all of it


class Least(NamedTuple):
    """`tracks`: at least so many; `new`: of them, those that were not there before."""

    tracks: int = 0
    new: int = 0


def later(first: Least, second: Least) -> Least:
    """Of one camera: a time, and one behind it."""
    return Least(max(first.tracks + second.new, second.tracks), first.new + second.new)


def beside(parts: Iterable[Least]) -> Least:
    """Of one camera at one time: parts of its picture, between which a track may have moved."""
    known = list(parts)
    new = sum(each.new for each in known)
    return Least(max([new, *(each.tracks for each in known)]), new)


def apart(cameras: Iterable[Least]) -> int:
    """Tracks of different cameras are different ones."""
    return sum(each.tracks for each in cameras)


def over(times: Iterable[Least]) -> Least:
    """Of one camera, in order."""
    return reduce(later, times, Least())
