"""A set of frame numbers, held as ranges: a day of frames without a gap takes one entry. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator


class SeqSet:
    """Disjoint ranges first..last of integers, both included, in ascending order and never touching."""

    __slots__ = ("_firsts", "_lasts", "_size")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SeqSet) and (self._firsts, self._lasts) == (other._firsts, other._lasts)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._firsts, seq) - 1
        return at >= 0 and seq <= self._lasts[at]

    def ranges(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def add(self, first: int, last: int | None = None) -> int:
        """Add first..last (or just `first`); returns how many of them were not there yet."""
        last = first if last is None else last
        if last < first:
            raise ValueError(f"range {first}..{last} is empty")
        firsts, lasts = self._firsts, self._lasts
        if not lasts or first > lasts[-1] + 1:  # nearly always: frames come in order
            firsts.append(first)
            lasts.append(last)
            self._size += last - first + 1
            return last - first + 1
        low = bisect_left(lasts, first - 1)
        high = bisect_right(firsts, last + 1)  # low..high-1 overlap or touch
        covered = sum(lasts[i] - firsts[i] + 1 for i in range(low, high))
        if low < high:
            first, last = min(first, firsts[low]), max(last, lasts[high - 1])
        firsts[low:high] = [first]
        lasts[low:high] = [last]
        added = (last - first + 1) - covered
        self._size += added
        return added
