"""Which windows may tell their figures on faces, so that no difference between any of them tells of few people. Pure.

The smallest thing that windows are sums of is a *cell*: the faces of one camera, in one part of its picture (that which
the same zones hold), in one pane. When they are first told of, cells are put into groups of at least `k` tracks each: a
window tells its figures if it holds whole groups only, and the cells in no group that it holds are `k` tracks together,
which then make groups. So what is told are sums of whole groups; and so is whatever may be calculated from them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from pipeline.aggregate.least import ALL, Least, apart, beside, over
from pipeline.aggregate.panes import EPOCH, PANE

Parts = Mapping[str, Least]  # by part, and of the whole picture
CUT = -1  # size of a group of which some is forgotten: no window may hold it any more


class Cell(NamedTuple):
    """`pane`: its number, counted from the epoch. `part`: names of the zones that hold it, with `|` between them."""

    camera: str
    pane: int
    part: str

    @property
    def zones(self) -> frozenset[str]:
        return frozenset(self.part.split("|")) - {""}


@dataclass(slots=True)
class Group:
    """`size`: how many cells, or CUT."""

    size: int
    cells: dict[str, dict[int, list[str]]] = field(default_factory=dict)  # parts, by camera and pane

    def __iter__(self) -> Iterator[Cell]:
        for camera, panes in self.cells.items():
            for pane, parts in panes.items():
                yield from (Cell(camera, pane, part) for part in parts)


@dataclass(frozen=True, slots=True)
class Extent:
    """What a window holds: of these cameras, from start to end; of all parts, or of those that lie in a zone.

    `as_of`: what was known by then.
    """

    cameras: frozenset[str]
    start: datetime
    end: datetime
    as_of: datetime
    zone: str | None = None


class Release:
    """For one site. `groups`: as they were stored last."""

    def __init__(self, k: int, groups: Iterable[Group] = ()) -> None:
        self._k = k
        self._panes: dict[str, dict[int, tuple[datetime, Parts]]] = defaultdict(dict)
        self._groups: dict[int, Group] = dict(enumerate(groups))
        self._of: dict[Cell, int] = {cell: number for number, group in self._groups.items() for cell in group}
        self._next = len(self._groups)

    @property
    def groups(self) -> list[Group]:
        return list(self._groups.values())

    def add(self, camera: str, start: datetime, as_of: datetime, parts: Parts) -> None:
        """The faces of a pane, known from this tick on. They are told once; what comes after that changes nothing."""
        if parts:
            self._panes[camera].setdefault(_number(start), (as_of, parts))

    def allows(self, extent: Extent) -> bool:
        """Whether a window may tell its figures. Asked in the order in which windows are told; twice is as once."""
        cells = list(self._held(extent))
        counts = Counter(number for cell in cells if (number := self._of.get(cell)) is not None)
        if not cells or any(self._groups[number].size != count for number, count in counts.items()):
            return False
        rest = [cell for cell in cells if cell not in self._of]
        if rest:
            if self._tracks(rest) < self._k:
                return False
            for piece in self._split(rest, lambda cell: cell.camera):
                for group in self._split(piece, lambda cell: cell.part) if _of_one_camera(piece) else [piece]:
                    self._group(group)
        return True

    def forget(self, before: datetime) -> None:
        """No window that holds a pane from before then is told any more."""
        first = _number(before)
        for camera, panes in self._panes.items():
            self._panes[camera] = {pane: known for pane, known in panes.items() if pane >= first}
        for number, group in list(self._groups.items()):
            kept = {
                camera: {pane: parts for pane, parts in panes.items() if pane >= first}
                for camera, panes in group.cells.items()
            }
            left = {camera: panes for camera, panes in kept.items() if panes}
            if left == group.cells:
                continue
            group.size, group.cells = CUT, left
            if not left:
                del self._groups[number]
        self._of = {cell: number for cell, number in self._of.items() if cell.pane >= first}

    def _held(self, extent: Extent) -> Iterator[Cell]:
        first, end = _number(extent.start), _number(extent.end)
        for camera in sorted(extent.cameras):
            for pane, (as_of, parts) in self._panes.get(camera, {}).items():
                if first <= pane < end and as_of <= extent.as_of:
                    cells = (Cell(camera, pane, part) for part in parts if part != ALL)
                    yield from (cell for cell in cells if extent.zone is None or extent.zone in cell.zones)

    def _split(self, cells: list[Cell], by: Callable[[Cell], str]) -> list[list[Cell]]:
        """As finely as may be told: what is too small goes together, and with the smallest other one if it must."""
        pieces: dict[str, list[Cell]] = defaultdict(list)
        for cell in cells:
            pieces[by(cell)].append(cell)
        sizes = {key: self._tracks(piece) for key, piece in pieces.items()}
        enough = sorted((key for key in pieces if sizes[key] >= self._k), key=lambda key: (sizes[key], key))
        few = [cell for key in sorted(pieces) if sizes[key] < self._k for cell in pieces[key]]
        if few and self._tracks(few) < self._k and enough:
            few += pieces[enough.pop(0)]
        return [pieces[key] for key in enough] + ([few] if few else [])

    def _tracks(self, cells: Iterable[Cell]) -> int:
        """How many there are in them, at least."""
        together: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for cell in cells:
            together[cell.camera][cell.pane].append(cell.part)
        return apart(
            over(self._least(camera, pane, parts) for pane, parts in sorted(panes.items()))
            for camera, panes in together.items()
        )

    def _least(self, camera: str, pane: int, parts: list[str]) -> Least:
        known = self._panes[camera][pane][1]
        return known[ALL] if len(parts) == len(known) - 1 else beside(known[part] for part in parts)

    def _group(self, cells: list[Cell]) -> None:
        group = Group(len(cells))
        for cell in cells:
            group.cells.setdefault(cell.camera, {}).setdefault(cell.pane, []).append(cell.part)
            self._of[cell] = self._next
        self._groups[self._next] = group
        self._next += 1


def _number(start: datetime) -> int:
    return (start - EPOCH) // PANE


def _of_one_camera(cells: Iterable[Cell]) -> bool:
    return len({cell.camera for cell in cells}) == 1
