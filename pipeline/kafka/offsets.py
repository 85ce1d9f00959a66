"""Which offset may be committed: pure core, no Kafka in it.

Records of a partition are read in order, finished in any order, and written out in order again. What may be
committed is the offset behind the last record that was written out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Entry(Generic[T]):
    """A record that was read. `result` is what it became, once `finished`."""

    offset: int
    result: T | None = None
    finished: bool = False

    def finish(self, result: T) -> None:
        if self.finished:
            raise ValueError(f"offset {self.offset} is finished already")
        self.result = result
        self.finished = True


@dataclass(slots=True)
class PartitionLog(Generic[T]):
    """The records of one partition between reading and writing out.

    `read` in offset order -> Entry; `Entry.finish` in any order; `ready` yields results in offset order and, with
    each, moves `position` behind it. `position` is None until something was written out.
    """

    position: int | None = None
    _open: deque[Entry[T]] = field(default_factory=deque)
    _last_read: int = -1

    def __len__(self) -> int:
        return len(self._open)

    def read(self, offset: int) -> Entry[T]:
        if offset <= self._last_read:
            raise ValueError(f"offset {offset} after {self._last_read}")
        self._last_read = offset
        entry: Entry[T] = Entry(offset)
        self._open.append(entry)
        return entry

    def ready(self) -> Iterator[T]:
        """Results of the finished records at the head, in order. Taking one means it is written out."""
        while self._open and self._open[0].finished:
            entry = self._open.popleft()
            self.position = entry.offset + 1
            yield entry.result  # type: ignore[misc]  # finished, so it is a T
