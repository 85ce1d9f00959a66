"""What is wrong with a data set, and what a training on it should know: broken, doubled, contradictory."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import combinations, islice
from pathlib import Path
from typing import Any

from serving.data.faces import AT_ONCE, VOTES, pixel_hash
from serving.data.fer2013 import Row, fer_rows
from serving.data.image_folder import ALL
from serving.data.load import FER2013, Kind, entries, recognised, splits
from serving.data.pictures import Choice, Fault, Picture, read
from serving.errors import DataError
from serving.labels import LABELS

NOT_A_FACE = VOTES.index("NF")


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture that can be used. `digest`: equal for equal pixels, as large as the file has them."""

    where: str
    split: str
    label: int
    digest: bytes
    constant: bool  # all pixels alike
    not_a_face: bool | None  # what most of FER+'s votes say; None without votes


@dataclass(frozen=True)
class SplitFigures:
    """Of one split: n pictures that can be used; of these the different ones, and so on."""

    n: int
    classes: dict[str, int]
    different: int
    constant: int
    not_a_face: int | None
    faults: int  # rows or files that cannot be used


@dataclass(frozen=True)
class Overlap:
    """`pictures` of the split `of` are, pixel by pixel, in the split `also_in` too."""

    of: str
    also_in: str
    pictures: int


@dataclass(frozen=True)
class Report:
    """All findings. `faults` by kind, then constant pictures, doubles and contradictions as places."""

    data: str
    kind: Kind
    classes: tuple[str, ...]
    splits: dict[str, SplitFigures]
    overlaps: list[Overlap]
    findings: dict[str, list[str]]
    double_groups: int  # groups of equal pictures, within and across splits
    conflicting_groups: int  # of these, how many have more than one label

    @property
    def usable(self) -> int:
        return sum(split.n for split in self.splits.values())

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "usable": self.usable}


def check(
    path: Path,
    *,
    votes: Path | None = None,
    kind: Kind | None = None,
    choice: Choice | None = None,
    advance: Callable[[int], None] = lambda done: None,
) -> Report:
    """Look at every picture of every split; `advance` hears how many are done.

    DataError: an unknown layout, or one that is not whole.
    """
    kind, choice = kind or recognised(path), choice or Choice()
    if votes is not None and kind != FER2013:
        raise DataError(f"FER+'s votes are of FER2013's faces; {path} is no such csv")
    seen: list[Seen] = []
    faults: dict[str, dict[Fault, None]] = {}
    for split in _splits(path, kind):
        faults[split] = {}
        found = _rows(path, split, votes) if kind == FER2013 else _pictures(path, split, choice, kind)
        for done, entry in enumerate(found):
            if isinstance(entry, Fault):
                faults[split][entry] = None
            else:
                seen.append(entry)
            if done % AT_ONCE == 0:
                advance(len(seen))
    classes = LABELS if kind == FER2013 else choice.names
    return _report(path, kind, classes, seen, faults)


def _splits(path: Path, kind: Kind) -> tuple[str, ...]:
    """Those that are to be looked at: none that only holds what others hold."""
    found = splits(path, kind)
    return found if found == (ALL,) else tuple(split for split in found if split != ALL)


def _rows(path: Path, split: str, votes: Path | None) -> Iterator[Seen | Fault]:
    for row in fer_rows(path, split, votes):
        yield row if isinstance(row, Fault) else _row_seen(row, split)


def _row_seen(row: Row, split: str) -> Seen:
    constant = bool((row.pixels == row.pixels.flat[0]).all())
    not_a_face = None if row.votes is None else bool(2 * int(row.votes[NOT_A_FACE]) > int(row.votes.sum()))
    return Seen(row.where, split, row.label, pixel_hash(row.pixels), constant, not_a_face)


def _pictures(path: Path, split: str, choice: Choice, kind: Kind) -> Iterator[Seen | Fault]:
    def one(entry: Picture | Fault) -> Seen | Fault:
        if isinstance(entry, Fault):
            return entry
        pixels = read(entry)
        if isinstance(pixels, Fault):
            return pixels
        constant = bool((pixels == pixels.flat[0]).all())
        return Seen(entry.where, split, entry.label, pixel_hash(pixels), constant, None)

    found = entries(path, split, choice, kind)
    with ThreadPoolExecutor(thread_name_prefix="pictures") as pool:
        while part := list(islice(found, AT_ONCE)):
            yield from pool.map(one, part)


def _report(
    path: Path, kind: Kind, classes: tuple[str, ...], seen: list[Seen], faults: dict[str, dict[Fault, None]]
) -> Report:
    by_split: dict[str, list[Seen]] = {split: [] for split in faults}
    equal: dict[bytes, list[Seen]] = defaultdict(list)
    for one in seen:
        by_split[one.split].append(one)
        equal[one.digest].append(one)
    doubles = [group for group in equal.values() if len(group) > 1]
    conflicts = [group for group in doubles if len({one.label for one in group}) > 1]
    findings: dict[str, list[str]] = defaultdict(list)
    for fault in dict.fromkeys(fault for found in faults.values() for fault in found):
        findings[fault.kind].append(str(fault))
    findings["constant"] = [one.where for one in seen if one.constant]
    findings["not a face"] = [one.where for one in seen if one.not_a_face]
    findings["same pixels"] = [" = ".join(one.where for one in group) for group in doubles]
    findings["same pixels, other labels"] = [
        ", ".join(f"{one.where}: {classes[one.label]}" for one in group) for group in conflicts
    ]
    return Report(
        str(path),
        kind,
        classes,
        {
            split: _figures(found, classes, len(faults[split]))
            for split, found in by_split.items()
            if found or faults[split]
        },
        _overlaps(by_split),
        {name: places for name, places in findings.items() if places},
        len(doubles),
        len(conflicts),
    )


def _figures(seen: list[Seen], classes: tuple[str, ...], faults: int) -> SplitFigures:
    counts = Counter(one.label for one in seen)
    voted = [one.not_a_face for one in seen if one.not_a_face is not None]
    return SplitFigures(
        len(seen),
        {name: counts[label] for label, name in enumerate(classes)},
        len({one.digest for one in seen}),
        sum(one.constant for one in seen),
        sum(voted) if voted else None,
        faults,
    )


def _overlaps(by_split: dict[str, list[Seen]]) -> list[Overlap]:
    digests = {split: {one.digest for one in seen} for split, seen in by_split.items()}
    found = []
    for first, second in combinations(by_split, 2):
        pictures = sum(one.digest in digests[first] for one in by_split[second])
        if pictures:
            found.append(Overlap(second, first, pictures))
    return found
